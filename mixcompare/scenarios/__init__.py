"""Data with a known truth, one kind a file, each replicate reproducible from its own number."""
