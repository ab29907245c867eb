"""A program of a user, for mypy: `make check` fails if it sees less of a training's options.

A comment that ignores an error which is not there is an error itself (strict).
"""

import seq2point

recording = seq2point.load_recording("house.parquet")
seq2point.train(recording, "kettle", steps=3, pruning="magnitude")
seq2point.train(recording, "kettle", stps=3)  # type: ignore[call-arg]
seq2point.train(recording, "kettle", steps="three")  # type: ignore[arg-type]
