"""Conversion of raw data sets: one Parquet file a house, on a regular grid.

Readings that are dropped or repaired are counted.
"""
