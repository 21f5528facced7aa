"""How far a fit is from a known truth: measured once a row, summarised over replicates when read."""
