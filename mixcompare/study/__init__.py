"""Studies: a grid of fits, planned from names and seeds, executed anywhere, kept as finished."""
