"""The hand-written queries: one query a file under sql/, read once."""

from __future__ import annotations

from functools import cache
from importlib.resources import files


@cache
def statement(name: str) -> str:
    """Return the text of ``sql/NAME.sql``."""
    return (files("triage_lab.store") / "sql" / f"{name}.sql").read_text(encoding="utf-8")
