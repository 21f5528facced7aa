"""Estimators, one a file: data and a start into a claimed end. None judges itself.

base.py is the protocol. EM and its relatives, a file each, share ascent.py and stopping.py; *_loop.py are
their runs in compiled code. Direct maximisation is direct.py, with scipy's solvers in solvers.py, the ladder
in formulations.py and points as vectors in coordinates.py. Samplers, a file each, share sampled.py; their
PyMC model is posterior.py, with its likelihood in likelihoods.py and fused_op.py, and unconstrained.py makes
it functions of a vector.
"""
