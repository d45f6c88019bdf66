"""Canonical JSON (RFC 8785 on NFC strings, decimals as strings) and the digests built on it."""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from enum import Enum


def _plain(value: object) -> object:
    if isinstance(value, Enum):
        return _plain(value.value)
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, str):
        return unicodedata.normalize("NFC", value)
    if isinstance(value, float | Decimal):
        return _decimal_text(Decimal(repr(value)) if isinstance(value, float) else value)
    if isinstance(value, date | datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        items = {str(_plain(str(key))): _plain(item) for key, item in value.items()}
        return {key: items[key] for key in sorted(items, key=lambda text: text.encode("utf-16-be"))}
    if isinstance(value, set | frozenset):
        return sorted((_plain(item) for item in value), key=repr)
    if isinstance(value, Sequence):
        return [_plain(item) for item in value]
    raise TypeError(f"{type(value).__name__} has no canonical JSON")


def _decimal_text(value: Decimal) -> str:
    """Plain notation without trailing zeros, so that 5000, 5000.0 and 5E+3 are one text."""
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in {"-0", ""} else text


def canonical_json(value: object) -> str:
    """Return the canonical JSON text of plain values.

    Notes
    -----
    Integers stay numbers, floats and decimals become strings, mappings are sorted by UTF-16 code
    units as RFC 8785 asks, sets become sorted lists.

    Examples
    --------
    >>> canonical_json({"b": 1, "a": ["x", None]})
    '{"a":["x",null],"b":1}'
    """
    return json.dumps(_plain(value), ensure_ascii=False, separators=(",", ":"))


def digest(value: object) -> str:
    """Return the SHA-256 of the canonical JSON, in lower-case hex."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()
