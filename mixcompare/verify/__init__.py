"""Verification: what an end really is, from data and estimate alone. Knows no estimator."""
