"""What was refused of what was staged, for people: the first bad cells, and reasons with their counts."""

# ruff: noqa: S608 - the table has a name of our own

from __future__ import annotations

from pathlib import Path
from typing import Any

from triage_lab.sources.stage import Staged

# files in the order in which they were read, then rows
_IN_ORDER = 'ORDER BY min(rowid) OVER (PARTITION BY file), "row", "column"'


def first_rejects(con: Any, staged: Staged, limit: int = 3) -> str:
    """Return the first refused cells in file order, as one line of text; of several files with the file's name."""
    several = len(staged.parts) > 1
    sql = f'SELECT file, "row", "column", value, reason FROM "{staged.rejects}" {_IN_ORDER} LIMIT ?'
    found = con.execute(sql, [limit]).fetchall()
    parts = [
        (f"{Path(file).name} " if several else "")
        + f"row {row}"
        + (f", column {column}" if column else "")
        + (f" = {value[:40]!r}" if value else "")
        + f": {reason}"
        for file, row, column, value, reason in found
    ]
    return "; ".join(parts)


def reject_reasons(con: Any, staged: Staged) -> dict[str, int]:
    """Return how many refused cells or lines each (column, reason) has, most frequent first; of several files each."""
    several = len(staged.parts) > 1
    file = "file" if several else "NULL"
    sql = (
        f"SELECT {file}, \"column\", regexp_replace(reason, '[0-9]+', 'N', 'g'), count(*), "
        f'any_value(reason ORDER BY "row") FROM "{staged.rejects}" GROUP BY 1, 2, 3 ORDER BY 4 DESC, 1, 2, 3 LIMIT 20'
    )
    found: dict[str, int] = {}
    for name, column, _, count, reason in con.execute(sql).fetchall():
        where = f"{Path(name).name}: " if name else ""
        key = where + (f"{column}: {reason}" if column else str(reason))
        found[key] = found.get(key, 0) + int(count)
    return found
