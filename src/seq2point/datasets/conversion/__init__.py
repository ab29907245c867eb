"""Raw data sets to the store: one Parquet file a house, on a regular grid, with everything dropped
or repaired counted.
"""
