"""Protocols: which houses are trained on and tested on, and how, as TOML files that one model
validates.

`model` is what a protocol says, `library` finds and reads the files, `houses` finds and cuts the
recordings, `run` runs it all, `report` puts the results beside the published ones.
"""
