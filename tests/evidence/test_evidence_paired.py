"""Paired tables, many tests, assignment and sample size: published and golden values."""

from __future__ import annotations

import unicodedata

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from triage_lab.domain.errors import UsageError
from triage_lab.evidence import assignment_unit, holm, mcnemar, newcombe_paired, paired_sample_size, srm


@pytest.mark.parametrize(
    ("b", "c", "exact", "corrected", "uncorrected"),
    [
        (121, 59, 4.43445e-6, 5.45009e-6, 3.81514e-6),
        (12, 2, 0.0129395, 0.0161569, 0.0075263),
        (0, 0, 1, 1, 1),
        (5, 5, 1, 1, 1),
    ],
)
def test_mcnemar(b: int, c: int, exact: float, corrected: float, uncorrected: float) -> None:
    found = mcnemar(b, c)
    assert (found.exact, found.corrected, found.uncorrected) == pytest.approx(
        (exact, corrected, uncorrected), rel=2e-6, abs=5e-8
    )
    assert mcnemar(c, b) == found


@pytest.mark.parametrize(
    ("table", "low", "high"), [((36, 12, 2, 0), 0.0569, 0.3404), ((20, 12, 2, 16), 0.0562, 0.3292)]
)
def test_newcombe_paired(table: tuple[int, int, int, int], low: float, high: float) -> None:
    assert newcombe_paired(*table) == pytest.approx((low, high), abs=5e-5)


@settings(deadline=None, max_examples=60)
@given(*[st.integers(0, 30)] * 4)
def test_newcombe_turns_over_with_the_arms(a: int, b: int, c: int, d: int) -> None:
    if a + b + c + d == 0:
        return
    low, high = newcombe_paired(a, b, c, d)
    assert -1 <= low <= (b - c) / (a + b + c + d) + 1e-12
    assert (b - c) / (a + b + c + d) - 1e-12 <= high <= 1
    assert newcombe_paired(a, c, b, d) == pytest.approx((-high, -low), abs=1e-12)


def test_holm() -> None:
    assert holm([0.001, 0.012, 0.02, 0.2]) == pytest.approx([0.004, 0.036, 0.04, 0.2])
    assert holm([0.2, 0.02, 0.001, 0.012]) == pytest.approx([0.2, 0.04, 0.004, 0.036])
    assert holm([0.6, 0.7]) == pytest.approx([1, 1])
    assert holm([]).size == 0


@settings(deadline=None, max_examples=40)
@given(st.lists(st.floats(0, 1), max_size=8))
def test_holm_never_lowers_and_keeps_the_order(p: list[float]) -> None:
    adjusted = holm(p)
    assert np.all(adjusted >= np.array(p) - 1e-15)
    assert np.all(np.diff(adjusted[np.argsort(p, kind="stable")]) >= 0)


def test_srm() -> None:
    assert srm((821588, 815482)) == pytest.approx(1.82179e-6, rel=1e-5)
    assert srm((1050, 8950), (0.1, 0.9)) == pytest.approx(0.0955807, abs=1e-7)
    assert srm((1050, 8950), (1, 9)) == srm((1050, 8950), (0.1, 0.9))


def test_assignment_golden_values() -> None:
    assert assignment_unit("pilot-2026q4", "acct-00001") == pytest.approx(0.844947757861, abs=1e-12)
    assert assignment_unit("pilot-2026q4", "acct-00002") == pytest.approx(0.488506561706, abs=1e-12)
    for form in ("NFC", "NFD"):
        assert assignment_unit("pilot-2026q4", unicodedata.normalize(form, "ÅCME")) == pytest.approx(
            0.516240211499, abs=1e-12
        )


@settings(deadline=None, max_examples=100)
@given(st.text(max_size=20), st.text(max_size=20))
def test_assignment_is_a_share_below_one(salt: str, account: str) -> None:
    if any(0xD800 <= ord(letter) < 0xE000 for letter in salt + account):
        return
    assert 0 <= assignment_unit(salt, account) < 1


def test_assignment_is_even_and_nested() -> None:
    units = np.array([assignment_unit("s", f"account-{at}") for at in range(4000)])
    assert np.mean(units < 0.1) == pytest.approx(0.1, abs=0.015)
    other = np.array([assignment_unit("s2", f"account-{at}") for at in range(4000)])
    assert abs(np.corrcoef(units, other)[0, 1]) < 0.05


def test_paired_sample_size() -> None:
    assert paired_sample_size(0.10, 0.05) == 469
    assert paired_sample_size(0.05, 0.10) == 469
    assert paired_sample_size(0.10, 0.05, deff=6.5) == pytest.approx(469 * 6.5, abs=6.5)
    assert paired_sample_size(0.10, 0.05, power=0.9) > 469


def test_refusals() -> None:
    for call in (
        lambda: mcnemar(-1, 2),
        lambda: newcombe_paired(0, 0, 0, 0),
        lambda: holm([1.2]),
        lambda: holm([float("nan")]),
        lambda: srm((5,)),
        lambda: srm((5, 5), (0.0, 1.0)),
        lambda: paired_sample_size(0.1, 0.1),
        lambda: paired_sample_size(0.9, 0.3),
    ):
        with pytest.raises(UsageError):
            call()
