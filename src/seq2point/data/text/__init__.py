"""Text of any dialect as named columns, in pieces: opened, told apart, and parsed."""
