"""Reports of protocols: what one says, and what its runs gave."""

from seq2point.report.protocols.description import describe_protocol
from seq2point.report.protocols.folder import PICTURE, REPORT, TABLE, require_own
from seq2point.report.protocols.numbers import make_report
from seq2point.report.protocols.plot import save_plot
from seq2point.report.protocols.table import render_markdown

__all__ = [
    "PICTURE",
    "REPORT",
    "TABLE",
    "describe_protocol",
    "make_report",
    "render_markdown",
    "require_own",
    "save_plot",
]
