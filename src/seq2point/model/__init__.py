"""Models: their file, what they predict, how they are scored, and those that come with the package."""
