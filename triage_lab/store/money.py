"""From minor units of any currency to major units of the lab's."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal

import polars as pl

from triage_lab.domain.desk import FxRate

_NO_MINOR = frozenset({
    "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV", "XAF", "XOF",
    "XPF",
})  # fmt: skip
_THREE = frozenset({"BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"})
_FACTOR_SCALE = 12
_LARGEST = Decimal(10) ** 10


def minor_digits(currency: str) -> int:
    """Return how many decimal digits the minor unit of an ISO 4217 currency has: 2 unless it is known otherwise."""
    if currency in _NO_MINOR:
        return 0
    return 3 if currency in _THREE else 2


def fx_periods(currency: str, rates: Sequence[tuple[FxRate, datetime]]) -> pl.DataFrame:
    """Return what one minor unit of each currency is worth in major units of ``currency``, and when.

    Parameters
    ----------
    currency : str
        The lab's currency.
    rates : sequence of (FxRate, datetime)
        Rates with the UTC instant from which each holds; those into other currencies are left out, of two
        for one instant the later in the sequence holds.

    Returns
    -------
    polars.DataFrame
        currency String; since, until Datetime (half-open; the lab's own currency from a far past to a far future);
        factor Decimal(22, 12) = rate / 10^digits, rounded half to even beyond 12 decimals.
    """
    past, future = datetime(1, 1, 1), datetime(9999, 12, 31)  # noqa: DTZ001 - naive UTC, as stored
    starts: dict[str, dict[datetime, Decimal]] = {}
    for rate, since in rates:
        if rate.target == currency and rate.source != currency and 0 <= rate.rate < _LARGEST:
            starts.setdefault(rate.source, {})[since] = rate.rate
    rows = [(currency, past, future, _factor(Decimal(1), currency))]
    for source in sorted(starts):
        instants = sorted(starts[source])
        for since, until in zip(instants, [*instants[1:], future], strict=True):
            rows.append((source, since, until, _factor(starts[source][since], source)))
    return pl.DataFrame(
        rows,
        schema={
            "currency": pl.String, "since": pl.Datetime("us"), "until": pl.Datetime("us"),
            "factor": pl.Decimal(22, _FACTOR_SCALE),
        },
        orient="row",
    )  # fmt: skip


def _factor(rate: Decimal, currency: str) -> Decimal:
    """Return the worth of one minor unit."""
    exact = rate.scaleb(-minor_digits(currency))
    return exact.quantize(Decimal(1).scaleb(-_FACTOR_SCALE), rounding=ROUND_HALF_EVEN)
