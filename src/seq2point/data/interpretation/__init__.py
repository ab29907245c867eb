"""What a table means: which column is what, in which unit, at which pace."""
