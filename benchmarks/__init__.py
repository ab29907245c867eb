"""Speed and memory, as ratios measured in one run: `make bench`, or at length `python -m benchmarks
NAME ...`.
"""
