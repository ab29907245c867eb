"""Models: their file, their predictions and scores, and those that come with the package."""
