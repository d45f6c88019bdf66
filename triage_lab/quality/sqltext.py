"""The few pieces of SQL text that every gate's statement is put together from."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def name(identifier: str) -> str:
    """Return an identifier in SQL quotes; a hostile name stays a name."""
    return '"' + identifier.replace('"', '""') + '"'


def text(value: str) -> str:
    """Return a text literal; a NUL, which no literal can hold, is spelled out."""
    parts = ["'" + part.replace("'", "''") + "'" for part in value.split("\x00")]
    return parts[0] if len(parts) == 1 else "(" + " || chr(0) || ".join(parts) + ")"


def number(value: float) -> str:
    """Return a DOUBLE literal that reads back as the same double."""
    return f"CAST({text(repr(float(value)))} AS DOUBLE)"


def timestamp(seconds: int) -> str:
    """Return a TIMESTAMP literal of UTC epoch seconds."""
    return f"TIMESTAMP '{(_EPOCH + timedelta(seconds=seconds)):%Y-%m-%d %H:%M:%S}'"


def key_text(columns: Sequence[str], alias: str) -> str:
    r"""Return the expression for a row's key as text.

    One column is its own text. Several are joined by ``|``; in each part ``\`` and ``|`` are escaped by ``\`` and
    NULL is ``\N``, so that different keys never have one text.
    """
    parts = [f"CAST({alias}.{name(column)} AS VARCHAR)" for column in columns]
    if len(parts) == 1:
        return parts[0]
    escaped = [rf"coalesce(replace(replace({part}, '\', '\\'), '|', '\|'), '\N')" for part in parts]
    return " || '|' || ".join(escaped)
