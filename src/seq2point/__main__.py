"""`python -m seq2point` is the `seq2point` command."""

from seq2point.cli import main

main()
