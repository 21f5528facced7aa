"""Estimators, one a file: data and a start into a claimed end. None judges itself."""
