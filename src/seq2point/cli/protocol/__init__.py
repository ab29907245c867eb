"""`seq2point protocol`: the published splits and a user's own, listed, shown and run."""
