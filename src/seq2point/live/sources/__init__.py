"""Sources of readings, one file each."""
