"""What the operating system gives: files written whole, compiled C, devices and threads."""
