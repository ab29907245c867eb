"""household.html: the page of a home's energy."""

from seq2point.report.household.page import render_page

__all__ = ["render_page"]
