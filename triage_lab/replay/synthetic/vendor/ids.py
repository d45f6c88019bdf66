"""Ids as the vendors give them: scattered, unique, and for Salesforce with its checksum."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl

from triage_lab.replay.synthetic.streams import Ints

Bytes = npt.NDArray[np.uint8]
_DIGITS = np.frombuffer(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", dtype=np.uint8)
_CHECK = np.frombuffer(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ012345", dtype=np.uint8)
_SPACE = 2**32
_STEPS = (0x9E3779B1, 0x85EBCA77)  # odd, so that each is a bijection modulo 2^32
_SEVEN, _SIX = 62**7 // _SPACE - 1, 62**6 // _SPACE  # spread over all numbers of seven, of six digits
_START = 0x3C6EF372  # so that number 0 is nothing special
_SHORT = 15


def scattered(numbers: Ints, kind: int = 0) -> Ints:
    """Return the numbers thrown over 0 to 2^32 - 1, no two to one place.

    Parameters
    ----------
    numbers : int64 array
        0 to 2^32 - 1.
    kind : int
        Which of two arrangements.

    Notes
    -----
    Multiplication by an odd number and an exclusive or with the own upper half are both bijections modulo 2^32.

    Examples
    --------
    >>> len(set(scattered(np.arange(1000)).tolist()))
    1000
    """
    mixed = ((numbers.astype(np.uint64) + np.uint64(_START)) * np.uint64(_STEPS[kind])) % np.uint64(_SPACE)
    mixed ^= mixed >> np.uint64(16)
    mixed = (mixed * np.uint64(_STEPS[1 - kind])) % np.uint64(_SPACE)
    return mixed.astype(np.int64)


def numeric_ids(base: int, numbers: Ints) -> Ints:
    """Return twelve-digit ids as Zendesk gives them: ``base`` billions and more."""
    return base * 10**9 + scattered(numbers)


def stripe_ids(prefix: str, numbers: Ints) -> pl.Series:
    """Return ids such as ``cus_Q3xk09TzLmB2aY``: the prefix and fourteen letters and digits."""
    body = np.hstack([_base62(scattered(numbers, kind) * _SEVEN + kind, 7) for kind in (0, 1)])
    return pl.Series([prefix], dtype=pl.String).new_from_index(0, len(numbers)) + _texts(body)


def salesforce_ids(key_prefix: str, numbers: Ints) -> pl.Series:
    """Return case-safe ids of 18 characters; the first three tell the object (001 = Account).

    Notes
    -----
    The 15 characters distinguish upper and lower case. The last three repeat which of them are upper case: of each
    five characters, bit i says whether character i is an upper-case letter, and the number of 0 to 31 picks a
    character of A-Z0-5.

    Examples
    --------
    >>> salesforce_ids("001", np.array([0])).to_list()
    ['0015g0000000000AAA']
    """
    head = np.frombuffer((key_prefix + "5g0000").encode(), dtype=np.uint8)
    body = np.hstack([np.tile(head, (len(numbers), 1)), _base62(scattered(numbers) * _SIX, _SHORT - len(head))])
    upper = (body >= ord("A")) & (body <= ord("Z"))
    bits = upper.reshape(len(numbers), 3, 5) @ (1 << np.arange(5))
    return _texts(np.hstack([body, _CHECK[bits]]))


def short_form(ids: pl.Series) -> pl.Series:
    """Return Salesforce ids without their checksum, as reports and old integrations hold them."""
    return ids.str.slice(0, _SHORT)


def _base62(numbers: Ints, width: int) -> Bytes:
    """The digits of each number as characters, most significant first, shape (n, width)."""
    places = 62 ** np.arange(width - 1, -1, -1, dtype=np.int64)
    digits: Bytes = _DIGITS[(numbers[:, None] // places[None, :]) % 62]
    return digits


def _texts(characters: Bytes) -> pl.Series:
    """Rows of characters as text."""
    count, width = characters.shape
    if not count:
        return pl.Series([], dtype=pl.String)
    return pl.Series(np.ascontiguousarray(characters).view(f"S{width}").ravel().astype(f"U{width}").tolist())
