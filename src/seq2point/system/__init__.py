"""The operating system: atomic files, compiled C, devices and threads."""
