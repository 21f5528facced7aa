"""Draws of component parameters from their full conditionals, compiled: one sweep of a Gibbs sampler."""
