"""Compiled exp and log that the compiler vectorises, the cache they live in, and small array helpers.

Source of the scheme: Cody and Waite (1980), range reduction by two constants; minimax polynomials as in
fdlibm. `vexp` is within 1 ulp of numpy on [-708, 709] (tested), 0 from -709 down, and stays at e^709 above;
`vlog` is within 1 ulp on normal numbers.
"""

from __future__ import annotations

import hashlib
import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
import numpy as np
import platformdirs
from llvmlite import ir
from numba import types
from numba.extending import intrinsic, register_jitable

FAST = {"contract", "nsz", "arcp", "reassoc"}


def _sources() -> str:
    sources = sorted(Path(__file__).parent.rglob("*.py"))
    content = hashlib.sha256()
    for source in sources:
        if source.parent.name in (
            "mixcompare",
            "families",
            "conjugate",
            "covariance",
            "estimators",
        ):
            content.update(source.read_bytes())
    return content.hexdigest()[:12]


SOURCES = _sources()
"""A hash, 12 hex digits, of all our sources: by which caches of machine code notice an edit.

Numba itself notices edits of one file only, and stale code is not just wrong: it works on arrays of other
shapes.
"""


def _cache_folder() -> str:
    """Named by the hash, also where a user says where numba's cache should be."""
    chosen = os.environ.get("NUMBA_CACHE_DIR") or platformdirs.user_cache_dir("mixcompare")
    return str(Path(chosen) / f"numba-{SOURCES}")


CACHE_FOLDER = _cache_folder()


def compiled(function: Callable[..., Any], fastmath: set[str] = FAST, inline: bool = False) -> Any:
    """`function` compiled by numba, cached on disk across processes.

    The cache folder is read when the dispatcher is made, so it is set for that moment alone and other
    users of numba in the process keep theirs.
    """
    theirs, numba.config.CACHE_DIR = numba.config.CACHE_DIR, CACHE_FOLDER
    try:
        return numba.njit(fastmath=fastmath, error_model="numpy", cache=True, forceinline=inline)(
            function
        )
    finally:
        numba.config.CACHE_DIR = theirs


inlinable = register_jitable(forceinline=True)
"""Marks a plain function that compiled code may call, also when it is handed over by a closure: unlike
closures over compiled functions, such callers are found again in the cache on disk.

It is copied into its caller. A function that stayed one by itself would be optimised once more as part of
its caller's file, and which of the two runs would depend on what the process has compiled or loaded
before: results would differ in the last digits between a cold and a warm cache.
"""


@intrinsic
def bits(typing_context: Any, x: Any) -> Any:
    """The 64 bits of a float64 as an int64."""
    return types.int64(types.float64), lambda context, builder, signature, args: builder.bitcast(
        args[0], ir.IntType(64)
    )


@intrinsic
def unbits(typing_context: Any, x: Any) -> Any:
    """The float64 that has the given 64 bits."""
    return types.float64(types.int64), lambda context, builder, signature, args: builder.bitcast(
        args[0], ir.DoubleType()
    )


def _vexp(x):  # type: ignore[no-untyped-def]
    x = -709.0 if x < -709.0 else x  # in this order nan stays nan; its power of two, below, is 0
    x = 709.0 if x > 709.0 else x
    t = x * 1.4426950408889634 + 6755399441055744.0  # 1.5 * 2**52: rounds to the nearest integer
    n = t - 6755399441055744.0
    r = x - n * 0.693147180369123816490
    r = r - n * 1.90821492927058770002e-10
    p = 2.5110049204818658e-08
    p = p * r + 2.763265472252779e-07
    p = p * r + 2.755724088722987e-06
    p = p * r + 2.4801485441561313e-05
    p = p * r + 0.00019841269890076403
    p = p * r + 0.0013888888952352863
    p = p * r + 0.008333333333319589
    p = p * r + 0.04166666666648795
    p = p * r + 0.1666666666666668
    p = p * r + 0.5000000000000019
    p = p * r + 1.0
    p = p * r + 1.0
    return p * unbits((bits(t) << 52) + 4607182418800017408)


def _vlog(x):  # type: ignore[no-untyped-def]
    b = bits(x)
    i = (b - 4604544271217802189) >> 52  # x = 2**i m with sqrt(1/2) <= m < sqrt(2)
    m = unbits(b - (i << 52))
    e = (
        unbits(i + 4843621399236968448) - 6755399441055744.0
    )  # int64 -> float64 without a conversion
    f = m - 1.0
    s = f / (m + 1.0)
    z = s * s
    p = 1.479819860511658591e-01
    p = p * z + 1.531383769920937332e-01
    p = p * z + 1.818357216161805012e-01
    p = p * z + 2.222219843214978396e-01
    p = p * z + 2.857142874366239149e-01
    p = p * z + 3.999999999940941908e-01
    p = p * z + 6.666666666666735130e-01
    h = 0.5 * f * f
    return e * 6.93147180369123816490e-01 - (
        (h - (s * (h + z * p) + e * 1.90821492927058770002e-10)) - f
    )


# "reassoc" could undo the rounding trick of the reductions, so these two keep flags of their own.
vexp = compiled(_vexp, fastmath={"contract"}, inline=True)
vlog = compiled(_vlog, fastmath={"contract"}, inline=True)


def aligned(*shape: int) -> np.ndarray:
    """Zeros on a cache-line boundary: 64-byte loads that straddle two lines cost double."""
    raw = np.zeros(math.prod(shape) + 8)
    at = -raw.ctypes.data % 64 // 8
    return raw[at : at + math.prod(shape)].reshape(shape)


def logit(p: np.ndarray) -> np.ndarray:
    """log(p / (1 - p)); infinite at 0 and 1, nan outside [0, 1]."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.log(p) - np.log1p(-p)


def expit(z: np.ndarray) -> np.ndarray:
    """The inverse of `logit`."""
    with np.errstate(over="ignore"):
        return 1.0 / (1.0 + np.exp(-z))


def log_softmax(logits: np.ndarray) -> np.ndarray:
    """Logarithms of the weights whose log-ratios to each other are `logits` (K,)."""
    top = logits.max()
    return logits - (top + np.log(np.exp(logits - top).sum()))


def logsumexp(values: np.ndarray, axis: int) -> np.ndarray:
    """log sum exp along an axis; -inf where all are -inf, nan where one is nan.

    scipy's is the same function; it costs an import of a quarter of a second and ten times the time on
    the small arrays this is called with.
    """
    top = values.max(axis=axis, keepdims=True)
    safe = np.where(np.isfinite(top), top, 0.0)
    with np.errstate(divide="ignore"):
        return np.log(np.exp(values - safe).sum(axis=axis)) + np.squeeze(safe, axis=axis)
