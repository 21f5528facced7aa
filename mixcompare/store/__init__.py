"""Results on disk: one Parquet row a planned fit, readable without mixcompare."""
