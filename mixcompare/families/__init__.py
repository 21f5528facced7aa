"""Component families, one a file: the density of one component and what follows from it."""
