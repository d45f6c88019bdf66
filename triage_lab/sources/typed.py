"""A relation as a typed temp table: good rows in a view, bad cells and broken lines in a table of rejects."""

# ruff: noqa: S608 - the SQL is made of our own names; what users write enters only as quoted literals

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from triage_lab.domain.errors import InternalError, Place
from triage_lab.domain.tables import Column
from triage_lab.sources.casts import Cell, Reading, identifier, is_bad, literal, reason, spared, spared_at, typed
from triage_lab.sources.relation import Relation, count, drop, run

_BROKEN_JSON = "not one JSON object on one line"
REJECT_COLUMNS = 'file VARCHAR, "row" BIGINT, "column" VARCHAR, value VARCHAR, reason VARCHAR'


@dataclass(frozen=True, slots=True)
class TypedRows:
    """Names of the temp objects that hold a typed file.

    Parameters
    ----------
    view : str
        Good rows: typed columns under their canonical names, and ``row_no``.
    rejects : str
        file, row, column, value, reason; one row a bad cell or broken line.
    rows, rejected : int
        Data rows in the file, and how many of them have a reject.
    objects : tuple of (str, str)
        (TABLE or VIEW, name) of everything made, in the order in which it may be dropped.
    spared : mapping of str to int
        Column to how many of its cells were taken for NULL, though the source does not say that it writes NULL so.
    """

    view: str
    rejects: str
    rows: int
    rejected: int
    objects: tuple[tuple[str, str], ...]
    spared: Mapping[str, int]


def count_broken(con: Any, relation: Relation) -> int:
    """Return how many lines the reader refused; the scan must have run."""
    if not relation.lines_table:
        return 0
    return count(con, f"temp.{relation.lines_table}", "DISTINCT line")


@contextmanager
def kept_order(con: Any) -> Iterator[None]:
    """Hold the engine to the order of rows: numbers are positions in a table, which follow the query only then."""
    ordered = con.execute("SELECT current_setting('preserve_insertion_order')").fetchall()[0][0] in {True, "true"}
    if not ordered:
        con.execute("SET preserve_insertion_order = true")
    try:
        yield
    finally:
        if not ordered:
            con.execute("SET preserve_insertion_order = false")


def load(con: Any, relation: Relation, cells: Sequence[Cell], reading: Reading, base: str, place: Place) -> int:
    """Type a relation into the temp table ``base``; return the number of broken lines.

    Notes
    -----
    One pass over the file. A bad row keeps its raw cells in ``bad``, a good one keeps NULL there, so the reasons are
    worked out later and for bad rows only.
    """
    drop(con, relation.lines_table)
    bad = " OR ".join(f"({part})" for index, cell in enumerate(cells) if (part := is_bad(index, cell, reading)))
    raw = ", ".join(f"CAST(r{index} AS VARCHAR)" for index in range(len(cells)))
    words = dict.fromkeys(spared_at(place)[0] for place in range(len(spared(cells, reading))))
    values = ", ".join([*(f"v{index}" for index in range(len(cells))), *words])
    rows = typed(cells, relation.sql, reading)
    sql = (
        f"CREATE OR REPLACE TEMP TABLE {base} AS SELECT {values}, keep, "
        f"CASE WHEN keep IS NOT NULL OR {bad or 'FALSE'} THEN [{raw}] END AS bad FROM ({rows})"
    )
    with kept_order(con):
        run(con, sql, place)
    return count_broken(con, relation)


def finish(
    con: Any, relation: Relation, cells: Sequence[Cell], reading: Reading, base: str, place: Place,
    *, columns: Sequence[Column], fill: Mapping[str, str], first_line: int,
) -> TypedRows:  # fmt: skip
    """Number the rows of ``base``, write the rejects and make the view of good rows.

    Parameters
    ----------
    columns : sequence of Column
        The columns of the view, in order; those without a cell are NULL.
    fill : mapping of str to str
        SQL for NULLs of some columns.
    first_line : int
        Line of the first data row as the reader counts, to turn lines into rows.
    """
    _check_positions(con, base)
    numbered = _number(con, relation, base, first_line)
    rejects = f"{base}_rejects"
    broken = _write_rejects(con, relation, cells, reading, base, rejects, place, first_line)
    view = f"{base}_rows"
    at = {cell.column.name: f"v{index}" for index, cell in enumerate(cells)}
    shown = ", ".join(f"{_shown(column, at, fill)} AS {identifier(column.name)}" for column in columns)
    con.execute(f"CREATE OR REPLACE TEMP VIEW {view} AS SELECT {shown}, row_no FROM {numbered} WHERE bad IS NULL")
    total, bad = count(con, f"temp.{base}"), count(con, f"temp.{base}", "bad")
    drop(con, relation.lines_table)
    objects = (("VIEW", view), ("VIEW", numbered), ("TABLE", rejects), ("TABLE", f"{base}_gaps"), ("TABLE", base))
    return TypedRows(view, rejects, total + broken, bad + broken, objects, _count_spared(con, base, cells, reading))


def _count_spared(con: Any, base: str, cells: Sequence[Cell], reading: Reading) -> dict[str, int]:
    """How many cells of each column were taken for NULL by a token that is not declared; columns without left out."""
    indices = spared(cells, reading)
    if not indices:
        return {}
    places = [spared_at(place) for place in range(len(indices))]
    some = " OR ".join(f"{word} <> 0" for word in dict.fromkeys(word for word, _ in places))
    counts = ", ".join(f"count(*) FILTER ({word} & {1 << bit} <> 0)" for word, bit in places)
    (found,) = con.execute(f"SELECT {counts} FROM {base} WHERE {some}").fetchall()
    return {cells[index].column.name: times for index, times in zip(indices, found, strict=True) if times}


def _check_positions(con: Any, base: str) -> None:
    """Row numbers are positions in the table: hold the engine to it that they have no gaps."""
    rows, span = con.execute(f"SELECT count(*), max(rowid) - min(rowid) + 1 FROM {base}").fetchall()[0]
    if rows and rows != span:
        raise InternalError(f"{rows:,} typed rows span {span:,} positions", "rows numbered without gaps")


def _shown(column: Column, at: Mapping[str, str], fill: Mapping[str, str]) -> str:
    """A column of the view: the typed cell, what fills it, or NULL of its type."""
    value, other = at.get(column.name), fill.get(column.name)
    if value and other:
        return f"coalesce({value}, {other})"
    return value or other or f"CAST(NULL AS {column.kind.value})"


def _number(con: Any, relation: Relation, base: str, first_line: int) -> str:
    """Make the view with ``row_no`` = data row in the file, broken lines counted; return its name."""
    numbered, gaps = f"{base}_numbered", f"{base}_gaps"
    # inside an open transaction rowid does not start at 0, and it starts anew when the transaction is committed
    position = f"rowid - (SELECT min(rowid) FROM {base}) + 1"
    lines = relation.lines_table
    source = f"SELECT DISTINCT line FROM temp.{lines}" if lines else "SELECT 1 WHERE FALSE"
    # the j-th broken row (from 1) at data row b shifts every good row from position b - j + 1 on by j
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE {gaps} AS SELECT broken - nth + 1 AS position, max(nth) AS shift FROM "
        f"(SELECT line - {first_line} + 1 AS broken, row_number() OVER (ORDER BY line) AS nth "
        f"FROM ({source}) AS lines(line)) GROUP BY ALL"
    )
    if count(con, f"temp.{gaps}"):
        text = (
            f"SELECT good.* EXCLUDE (position), good.position + coalesce(gap.shift, 0) AS row_no FROM "
            f"(SELECT *, {position} AS position FROM {base}) AS good "
            f"ASOF LEFT JOIN {gaps} AS gap ON good.position >= gap.position ORDER BY row_no"
        )
    else:
        text = f"SELECT *, {position} AS row_no FROM {base}"
    con.execute(f"CREATE OR REPLACE TEMP VIEW {numbered} AS {text}")
    return numbered


def _write_rejects(
    con: Any, relation: Relation, cells: Sequence[Cell], reading: Reading, base: str, rejects: str, place: Place,
    first_line: int,
) -> int:  # fmt: skip
    """Write the table of rejects; return the number of broken lines."""
    con.execute(f"CREATE OR REPLACE TEMP TABLE {rejects} ({REJECT_COLUMNS})")
    file = literal(place.file or "")
    broken = count_broken(con, relation)
    if broken:
        con.execute(
            f"INSERT INTO {rejects} SELECT {file}, line - {first_line} + 1, NULL, left(text, 200), why FROM "
            f"({_broken_lines(relation)}) ORDER BY line"
        )
    if count(con, f"temp.{base}", "bad"):
        _write_bad_cells(con, cells, reading, base, rejects, file)
    return broken


def _broken_lines(relation: Relation) -> str:
    """SQL: one row a line that the CSV reader refused, with the reason in our words."""
    return f"""
        SELECT line, ltrim(any_value(csv_line), chr(10) || chr(13)) AS text,
            CASE first(CAST(error_type AS VARCHAR) ORDER BY column_idx NULLS FIRST)
                WHEN 'TOO MANY COLUMNS' THEN 'more columns than the header has ({len(relation.columns)})'
                WHEN 'MISSING COLUMNS' THEN 'fewer columns than the header has ({len(relation.columns)})'
                WHEN 'UNQUOTED VALUE' THEN 'a quote is never closed, or text follows a closing quote' ||
                    CASE WHEN length(text) - length(replace(text, chr(10), '')) > 0 THEN '; it took in ' ||
                        (length(text) - length(replace(text, chr(10), ''))) || ' line ends' ELSE '' END
                WHEN 'LINE SIZE OVER MAXIMUM' THEN 'the row is longer than 2,000,000 bytes'
                ELSE 'the row cannot be read: ' || left(any_value(error_message), 100) END AS why
        FROM temp.{relation.lines_table} GROUP BY line"""


def _write_bad_cells(con: Any, cells: Sequence[Cell], reading: Reading, base: str, rejects: str, file: str) -> None:
    """Type the raw cells of bad rows once more, as text, and write one reject for each that fails."""
    again = [replace(cell, source=f"bad[{index}]", sql_type="VARCHAR") for index, cell in enumerate(cells, start=1)]
    source = f"SELECT *, {{'row': row_no, 'line': keep}} AS kept FROM {base}_numbered WHERE bad IS NOT NULL"
    relation = f"SELECT kept AS keep, bad FROM ({source})"
    bad_rows = f"{base}_bad"
    con.execute(f"CREATE OR REPLACE TEMP TABLE {bad_rows} AS {typed(again, relation, reading)}")
    parts = [
        f"SELECT keep.row AS row_no, 0 AS nth, NULL AS name, keep.line AS text, {literal(_BROKEN_JSON)} AS why "
        f"FROM {bad_rows} WHERE keep.line IS NOT NULL"
    ]
    for index, cell in enumerate(again):
        if test := is_bad(index, cell, reading):
            parts.append(
                f"SELECT keep.row, {index + 1}, {literal(cell.column.name)}, r{index}, {reason(index, cell, reading)} "
                f"FROM {bad_rows} WHERE keep.line IS NULL AND ({test})"
            )
    con.execute(
        f"INSERT INTO {rejects} SELECT {file}, row_no, name, left(replace(text, chr(0), '\\0'), 200), why FROM "
        f"({' UNION ALL '.join(parts)}) ORDER BY row_no, nth"
    )
    con.execute(f"DROP TABLE temp.{bad_rows}")
