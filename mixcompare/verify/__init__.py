"""Verification: what an end really is, from data and estimate alone. Knows no estimator.

verifier.py is the way in, policy.py holds the thresholds. Of a point, points.py asks the questions in their
order: of components.py (collapsed, coinciding, empty, narrow), edges.py (at the edge of the parameter space,
and may it stay), surface.py (slope, curvature, and the polish) and directions.py (saddle or ridge);
intervals.py adds Wald's, sentences.py the words. Of draws, draws.py asks them, and modes.py finds what they
should have come near.
"""
