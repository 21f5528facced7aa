"""Priors on the parameters of components: one file a kind of parameter, each with its forms.

base.py says what a prior must say; densities.py holds the densities that several share.
"""
