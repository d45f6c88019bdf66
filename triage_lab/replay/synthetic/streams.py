"""Random streams: one per subject, so that a change in one subject leaves all others as they were."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

SUBJECT_STREAMS = (
    "accounts", "contracts", "subscriptions", "invoices", "opportunities", "identity", "arrivals", "duplicates",
    "attributes", "texts", "routing", "handle", "lookups", "labels", "signals", "payments", "vendor", "faults",
)  # fmt: skip
Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


def open_streams(seed: int) -> dict[str, np.random.Generator]:
    """Return one independent PCG64 generator per subject, all derived from ``seed``.

    Examples
    --------
    >>> int(open_streams(1)["texts"].integers(1000)) == int(open_streams(1)["texts"].integers(1000))
    True
    """
    children = np.random.SeedSequence(seed).spawn(len(SUBJECT_STREAMS))
    return {
        name: np.random.Generator(np.random.PCG64(child)) for name, child in zip(SUBJECT_STREAMS, children, strict=True)
    }


def pick(rng: np.random.Generator, weights: Sequence[float] | Floats, size: int) -> Ints:
    """Draw ``size`` positions with the given weights (inverse of the cumulated weights)."""
    edges = np.cumsum(np.asarray(weights, dtype=np.float64))
    return np.searchsorted(edges / edges[-1], rng.random(size), side="right").clip(max=len(edges) - 1).astype(np.int64)


def pick_by(rng: np.random.Generator, weights: Floats, group: Ints) -> Ints:
    """Draw one position per element with the weights of its group's row; ``weights`` is (groups, positions)."""
    edges = np.cumsum(np.asarray(weights, dtype=np.float64), axis=1)
    edges /= edges[:, -1:]
    draws = rng.random(len(group))
    out = np.zeros(len(group), dtype=np.int64)
    for column in range(edges.shape[1] - 1):
        out += draws >= edges[group, column]
    return out


def between(rng: np.random.Generator, low: int, high: int, size: int) -> Ints:
    """Draw whole numbers in [low, high)."""
    return rng.integers(low, high, size, dtype=np.int64)


def chance(rng: np.random.Generator, share: float | Floats, size: int) -> Bools:
    """Draw yes or no with the given share of yes."""
    return np.asarray(rng.random(size) < share, dtype=np.bool_)
