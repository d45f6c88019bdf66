"""Ids as the vendors give them."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from naive_vendor import checksum

from triage_lab.replay.synthetic.vendor.ids import numeric_ids, salesforce_ids, scattered, short_form, stripe_ids


@settings(deadline=None, max_examples=30)
@given(st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=50, unique=True), st.integers(0, 1))
def test_scattering_keeps_numbers_apart(numbers: list[int], kind: int) -> None:
    places = scattered(np.array(numbers, dtype=np.int64), kind)
    assert len(set(places.tolist())) == len(numbers)
    assert places.min() >= 0
    assert places.max() < 2**32


@settings(deadline=None, max_examples=30)
@given(st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=20, unique=True))
def test_salesforce_ids_carry_their_checksum(numbers: list[int]) -> None:
    ids = salesforce_ids("001", np.array(numbers, dtype=np.int64)).to_list()
    assert len(set(ids)) == len({text.lower() for text in ids}) == len(numbers)
    for text in ids:
        assert len(text) == 18
        assert text.startswith("001")
        assert text[15:] == checksum(text[:15])


def test_a_known_checksum() -> None:
    assert [checksum(text) for text in ("ABCDEabcde12345", "abcdeABCDEabcde", "000000000000000")] == [
        "5AA",
        "A5A",
        "AAA",
    ]


@pytest.mark.parametrize("count", [0, 1, 100_000])
def test_ids_do_not_repeat(count: int) -> None:
    numbers = np.arange(count)
    for ids in (stripe_ids("cus_", numbers), pl.Series(numeric_ids(360, numbers)).cast(pl.String)):
        assert len(ids) == count
        assert ids.n_unique() == count
    assert stripe_ids("cus_", numbers).str.len_chars().unique().to_list() == ([18] if count else [])
    assert pl.Series(numeric_ids(360, numbers)).is_between(360 * 10**9, 365 * 10**9).all()


def test_the_short_form_leaves_the_checksum_out() -> None:
    ids = salesforce_ids("001", np.arange(50))
    assert (short_form(ids) + ids.str.slice(15)).to_list() == ids.to_list()
