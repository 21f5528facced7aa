"""Kinds of covariance matrix for normal components, one a file."""
