"""Two policies on the same tickets: paired tables, many tests, assignment and sample size of a pilot."""

from __future__ import annotations

import hashlib
import math
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from triage_lab.domain.errors import UsageError
from triage_lab.evidence.intervals import LEVEL, wilson_bounds, z_quantile


@dataclass(frozen=True, slots=True)
class McNemar:
    """P-values of a paired 2×2 table: exact (mid-p is not used), chi-square with and without continuity correction."""

    exact: float
    corrected: float
    uncorrected: float


def mcnemar(b: int, c: int) -> McNemar:
    """Test whether one arm alone is right as often as the other alone is.

    Parameters
    ----------
    b, c : int
        Tickets that only the first, only the second arm got right.

    Returns
    -------
    McNemar
        All p-values 1 for b = c = 0. A description: tickets of one account are not independent, so a decision rests
        on the account jackknife instead.

    Raises
    ------
    UsageError
        Negative counts.

    Notes
    -----
    Exact: 2·P(X ≤ min(b, c)), X ~ Binomial(b + c, ½); χ² = (|b − c| − 1)²/(b + c), or (b − c)²/(b + c). Source: McNemar
    (1947), Edwards (1948).

    Examples
    --------
    >>> result = mcnemar(12, 2)
    >>> round(result.exact, 7), round(result.uncorrected, 7)
    (0.0129395, 0.0075263)
    """
    from scipy.special import bdtr, chdtrc

    if b < 0 or c < 0:
        raise UsageError(f"counts {b} and {c}", "counts of at least 0", "pass the two off-diagonal counts")
    if b + c == 0:
        return McNemar(1.0, 1.0, 1.0)
    exact = min(1.0, 2 * float(bdtr(min(b, c), b + c, 0.5)))
    corrected = float(chdtrc(1, max(abs(b - c) - 1, 0) ** 2 / (b + c)))
    return McNemar(exact, corrected, float(chdtrc(1, (b - c) ** 2 / (b + c))))


def newcombe_paired(a: int, b: int, c: int, d: int, level: float = LEVEL) -> tuple[float, float]:
    """Newcombe's interval for the difference of two paired shares, (a + b)/n − (a + c)/n.

    Parameters
    ----------
    a, b, c, d : int
        Both right, only the first, only the second, neither.

    Returns
    -------
    (low, high) : floats

    Raises
    ------
    UsageError
        A negative count, or no ticket at all.

    Notes
    -----
    Wilson bounds of both shares, combined with the (continuity-corrected) correlation φ. Source: Newcombe (1998),
    Statistics in Medicine 17, 2635–2650, method 10. It ignores accounts; see `jackknife_difference` for clustered data.

    Examples
    --------
    >>> low, high = newcombe_paired(36, 12, 2, 0)
    >>> round(low, 4), round(high, 4)
    (0.0569, 0.3404)
    """
    n = a + b + c + d
    if min(a, b, c, d) < 0 or n == 0:
        raise UsageError(f"a table of {a}, {b}, {c}, {d}", "counts of at least 0, not all 0", "pass the four counts")
    z = z_quantile(level)
    first, second = (a + b) / n, (a + c) / n
    low1, high1 = (float(x) for x in wilson_bounds(first, n, z))
    low2, high2 = (float(x) for x in wilson_bounds(second, n, z))
    margins = (a + b) * (c + d) * (a + c) * (b + d)
    cross = float(a * d - b * c)
    if cross > 0:
        cross = max(cross - n / 2, 0)
    phi = cross / math.sqrt(margins) if margins > 0 else 0.0
    difference = first - second

    def half(x: float, y: float) -> float:
        return math.sqrt(max(x * x - 2 * phi * x * y + y * y, 0.0))

    return (
        difference - half(first - low1, high2 - second),
        difference + half(high1 - first, second - low2),
    )


def holm(p: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Holm's adjusted p-values, in the order given.

    Parameters
    ----------
    p : array_like, shape (tests,)

    Notes
    -----
    p₍ᵢ₎ → max over j ≤ i of min(1, (m − j + 1)·p₍ⱼ₎). Source: Holm (1979).

    Examples
    --------
    >>> [round(float(x), 3) for x in holm([0.001, 0.012, 0.02, 0.2])]
    [0.004, 0.036, 0.04, 0.2]
    """
    values = np.asarray(p, dtype=np.float64)
    if values.ndim != 1 or np.any(~((values >= 0) & (values <= 1))):
        raise UsageError("p-values outside 0..1", "a list of p-values", "pass numbers from 0 to 1")
    order = np.argsort(values, kind="stable")
    steps = np.minimum(values[order] * np.arange(values.size, 0, -1), 1.0)
    adjusted = np.empty_like(values)
    adjusted[order] = np.maximum.accumulate(steps) if values.size else steps
    return adjusted


def srm(counts: Sequence[int], shares: Sequence[float] | None = None) -> float:
    """P-value of the sample-ratio test, which asks whether the accounts are split as planned.

    Parameters
    ----------
    counts : sequence of int
        Accounts per arm. Accounts, not tickets: ticket counts raise false alarms under account assignment.
    shares : sequence of float or None
        Planned shares; default equal.

    Notes
    -----
    χ² = Σ(o − e)²/e with k − 1 degrees of freedom; a split is doubted under 0.001. Source: Pearson (1900); Fabijan et
    al. (2019).

    Examples
    --------
    >>> round(srm([1050, 8950], [0.1, 0.9]), 7)
    0.0955807
    """
    from scipy.special import chdtrc

    observed = np.asarray(counts, dtype=np.float64)
    planned = (
        np.full(observed.size, 1 / max(observed.size, 1)) if shares is None else np.asarray(shares, dtype=np.float64)
    )
    if observed.size < 2 or planned.shape != observed.shape or np.any(planned <= 0) or observed.sum() <= 0:
        raise UsageError(
            "counts and shares do not fit", "at least two arms with positive shares", "pass one share an arm"
        )
    expected = planned / planned.sum() * observed.sum()
    return float(chdtrc(observed.size - 1, float(np.sum((observed - expected) ** 2 / expected))))


def assignment_unit(salt: str, account: str) -> float:
    """Return the account's place in [0, 1): it is in the pilot if this is under the pilot's share.

    Parameters
    ----------
    salt : str
        Name of the pilot; a new pilot needs a new salt.
    account : str
        Account id; it is NFC-normalised first.

    Notes
    -----
    First 8 bytes, big-endian, of SHA-256(UTF-8(NFC(salt + "|" + account))) / 2⁶⁴, so a 10 % pilot lies inside a 20 %
    one. Rounding to a double may reach 1.0 for the last 1,024 integers; such a unit is the largest double below 1.

    Examples
    --------
    >>> round(assignment_unit("pilot-2026q4", "acct-00001"), 12)
    0.844947757861
    """
    text = unicodedata.normalize("NFC", f"{salt}|{account}")
    number = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
    return min(number / 2**64, math.nextafter(1.0, 0.0))


def paired_sample_size(b: float, c: float, *, alpha: float = 0.05, power: float = 0.8, deff: float = 1.0) -> int:
    """Return the tickets that a paired comparison needs.

    Parameters
    ----------
    b, c : float
        Expected shares of tickets that only the candidate, only the incumbent gets right.
    alpha, power : float
        Two-sided error and power.
    deff : float
        Design effect of accounts; the result is multiplied by it.

    Raises
    ------
    UsageError
        Shares that are equal or outside 0..1.

    Notes
    -----
    n = [z_a·√(b + c) + z_b·√(b + c − (b − c)²)]² / (b − c)². Source: Connor (1987). The exact test needs about 10 %
    more.

    Examples
    --------
    >>> paired_sample_size(0.10, 0.05)
    469
    """
    from scipy.special import ndtri

    if (
        not (0 <= b <= 1 and 0 <= c <= 1 and b + c <= 1)
        or b == c
        or not 0 < alpha < 1
        or not 0 < power < 1
        or deff <= 0
    ):
        raise UsageError(
            f"shares {b} and {c}",
            "two different shares of 0..1 with a sum of at most 1",
            "expect a difference to plan for",
        )
    both, gap = b + c, b - c
    root = float(ndtri(1 - alpha / 2)) * math.sqrt(both) + float(ndtri(power)) * math.sqrt(max(both - gap * gap, 0.0))
    return math.ceil(root * root / (gap * gap) * deff - 1e-9)
