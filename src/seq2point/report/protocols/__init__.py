"""Reports of protocols: what one says, and what its runs gave.

`description` needs no torch, and so `seq2point protocol show` runs without it.
"""
