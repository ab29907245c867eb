"""Other toolkits' interfaces."""
