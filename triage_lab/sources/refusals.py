"""What was refused of a staged file, for people: the first bad cells, and reasons with their counts."""

from __future__ import annotations

from typing import Any

from triage_lab.sources.stage import Staged


def first_rejects(con: Any, staged: Staged, limit: int = 3) -> str:
    """Return the first refused cells in file order, as one line of text."""
    sql = f'SELECT "row", "column", value, reason FROM "{staged.rejects}" ORDER BY "row", "column" LIMIT ?'  # noqa: S608 - own name
    rows = con.execute(sql, [limit]).fetchall()
    parts = [
        f"row {row}"
        + (f", column {column}" if column else "")
        + (f" = {value[:40]!r}" if value else "")
        + f": {reason}"
        for row, column, value, reason in rows
    ]
    return "; ".join(parts)


def reject_reasons(con: Any, staged: Staged) -> dict[str, int]:
    """Return how many refused cells or lines each (column, reason) has, most frequent first."""
    sql = (
        "SELECT \"column\", regexp_replace(reason, '[0-9]+', 'N', 'g'), count(*), any_value(reason ORDER BY \"row\") "  # noqa: S608 - own name
        f'FROM "{staged.rejects}" GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2 LIMIT 20'
    )
    found: dict[str, int] = {}
    for column, _, count, reason in con.execute(sql).fetchall():
        found[f"{column}: {reason}" if column else str(reason)] = int(count)
    return found
