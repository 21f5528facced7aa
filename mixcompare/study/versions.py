"""The versions of what fits depend on, as run.json keeps them."""

from __future__ import annotations

import importlib.metadata
import platform

import mixcompare

PACKAGES = ("numpy", "scipy", "numba", "scikit-learn", "pymc", "nutpie", "arviz")


def versions() -> dict[str, str]:
    """Name -> version of this package, of Python and of the libraries that compute."""
    own = {"mixcompare": mixcompare.__version__, "python": platform.python_version()}
    return own | {name: importlib.metadata.version(name) for name in PACKAGES}
