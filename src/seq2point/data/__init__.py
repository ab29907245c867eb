"""Files of recordings: CSV and Parquet tables, seq2point CSV files, converted Parquet files."""
