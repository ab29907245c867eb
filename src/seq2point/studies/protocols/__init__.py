"""Protocols: which houses are trained on and tested on, and how, as TOML files that one model
validates.

`protocol_file` says what a protocol is, `library` finds and reads the files, `houses` finds and
cuts the recordings, and `runner` runs it all. `seq2point.report.protocols` puts the results beside
the published ones.
"""
