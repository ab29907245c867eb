"""Studies behind the figures of docs/: `python -m experiments NAME`."""
