"""Sinks: where answers go, one file each."""
