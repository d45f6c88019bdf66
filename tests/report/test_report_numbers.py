"""How numbers, dates and untrusted names are written."""

from __future__ import annotations

import doctest

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from triage_lab.domain.enums import Flag, Grade
from triage_lab.domain.measure import Measure
from triage_lab.report import figures, findings, markdown, numbers, wording
from triage_lab.report.charts import axis, survival
from triage_lab.report.numbers import (
    DASH,
    MINUS,
    THIN,
    clean,
    count,
    day_text,
    in_words,
    listed,
    plural,
    prose,
    scale_for,
    show,
    signed_count,
    window,
)


@pytest.mark.parametrize("module", [numbers, wording, markdown, axis, survival, findings, figures])
def test_examples_of_docstrings(module: object) -> None:
    assert doctest.testmod(module).failed == 0  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("unit", "values", "value", "text", "change"),
    [
        ("fraction", [0.869, 0.918], 0.918, f"91.8{THIN}%", "+91.8 points"),
        ("fraction", [0.0004], 0.0004, f"0.04{THIN}%", "+0.04 points"),
        ("fraction", [0.9999], 0.9999, f"99.99{THIN}%", "+99.99 points"),
        ("fraction", [1.0], 1.0, f"100.0{THIN}%", "+100.0 points"),
        ("minutes", [64.0, 38.0], 38.0, "38 min", "+38 min"),
        ("minutes", [186.0], 186.0, "3.1 h", "+3.1 h"),
        ("minutes", [4320.0], 4320.0, "3.0 d", "+3.0 d"),
        ("minutes", [0.5], 0.5, "0.5 min", "+0.5 min"),
        ("money", [4_180_000.0], 4_180_000.0, f"€4.18{THIN}M", f"+€4.18{THIN}M"),
        ("money", [41_800.0], 41_800.0, f"€41.8{THIN}k", f"+€41.8{THIN}k"),
        ("money", [4_180.0], 4_180.0, "€4,180", "+€4,180"),
        ("per_ticket", [0.61], 0.61, "0.61 per ticket", "+0.61"),
        ("tickets", [1204.0], 1204.0, "1,204 tickets", "+1,204 tickets"),
    ],
)
def test_scales(unit: str, values: list[float], value: float, text: str, change: str) -> None:
    scale = scale_for(unit, values, "EUR")
    assert scale.text(value) == text
    assert scale.change(value) == change
    assert scale.change(-value) == change.replace("+", MINUS)
    assert scale.signed(0.0) == scale.number(0.0)


def test_currency_without_symbol_keeps_its_code_and_none_is_none() -> None:
    assert scale_for("money", [12.0], "CHF").text(12.0) == "CHF 12"
    assert scale_for("money", [12.0], "").text(12.0) == "12"
    assert scale_for("money", [12.0], "USD").text(-12.0) == f"{MINUS}$12"


@settings(deadline=None, max_examples=80)
@given(value=st.floats(1e-5, 1 - 1e-5))
def test_no_rate_that_is_neither_is_written_as_zero_or_one_hundred(value: float) -> None:
    shown = float(scale_for("fraction", [value]).number(value))
    assert 0 < shown < 100


def test_a_value_that_does_not_exist_is_a_dash_never_a_zero() -> None:
    empty = Measure("m", "candidate", None, None, None, 0, 0, "fraction", Grade.SIMULATED)
    shown = show(empty, scale_for("fraction", []))
    assert (shown.number, shown.text, shown.interval, shown.n) == (DASH, DASH, "", "0")


def test_a_shown_measure_carries_everything() -> None:
    measure = Measure(
        "m",
        "candidate",
        0.5,
        0.4,
        0.6,
        1200,
        1,
        "fraction",
        Grade.EXTRAPOLATED,
        flags=(Flag.FEW_ACCOUNTS, Flag.IMMATURE),
    )
    shown = show(measure, scale_for("fraction", [0.5]))
    assert (shown.interval, shown.n, shown.accounts, shown.grade, shown.pips) == (
        "40.0 to 60.0",
        "1,200",
        "1 account",
        "extrapolated",
        1,
    )
    assert shown.flags == "carried by few accounts, not matured"


def test_every_flag_has_words() -> None:
    assert set(numbers.FLAG_WORDS) == set(Flag)


def test_counts() -> None:
    assert count(-1318) == f"{MINUS}1,318"
    assert signed_count(900) == "+900" and signed_count(-61) == f"{MINUS}61" and signed_count(0) == "0"
    assert plural(1, "ticket") == "1 ticket" and plural(2468, "ticket") == "2,468 tickets"
    assert in_words(3) == "three" and in_words(13) == "13"
    assert listed([]) == "" and listed(["a"]) == "a" and listed(["a", "b"]) == "a and b"


@pytest.mark.parametrize(
    ("start", "end", "zone", "text"),
    [
        ("2026-03-29T22:00:00Z", "2026-06-21T22:00:00Z", "Europe/Berlin", "30 March to 21 June 2026"),
        ("2026-03-01T00:00:00Z", "2026-03-09T00:00:00Z", "UTC", "1 to 8 March 2026"),
        ("2025-12-30T00:00:00Z", "2026-01-03T00:00:00Z", "UTC", "30 December 2025 to 2 January 2026"),
        ("2026-03-01T00:00:00Z", "2026-03-02T00:00:00Z", "UTC", "1 March 2026"),
        ("yesterday", "2026-03-02T00:00:00Z", "UTC", "yesterday to 2026-03-02T00:00:00Z"),
        ("2026-03-01T00:00:00Z", "2026-03-02T00:00:00Z", "No/Where", "1 March 2026"),
    ],
)
def test_half_open_windows_are_written_as_first_and_last_day(start: str, end: str, zone: str, text: str) -> None:
    assert window(start, end, zone) == text


def test_days_are_those_of_the_lab() -> None:
    assert day_text("2026-05-18T23:30:00Z", "Europe/Berlin") == "19 May 2026"
    assert day_text("2026-05-18T23:30:00Z", "UTC") == "18 May 2026"


@settings(deadline=None, max_examples=80)
@given(text=st.text(max_size=300), limit=st.integers(2, 120))
def test_clean_text_is_bounded_and_without_controls(text: str, limit: int) -> None:
    shown = clean(text, limit)
    assert len(shown) <= limit
    assert not set(shown) & {"\x00", "\n", "\t", "\u202e", "\u2066", "\x1b"}
    assert clean(shown, limit) == shown


def test_per_cent_signs_get_a_narrow_space() -> None:
    assert prose("at least 90 %, or 5%") == f"at least 90{THIN}%, or 5%"
