"""Sources of recordings: tables, the lineage's files, the Parquet store."""
