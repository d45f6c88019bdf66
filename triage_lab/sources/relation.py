"""Files as SQL relations with columns of our own names (c0, c1 …), whatever the file calls them."""

# ruff: noqa: S608 - the SQL is made of our own names; what users write enters only as quoted literals

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from triage_lab.domain.errors import ExportError, Place
from triage_lab.sources.casts import literal
from triage_lab.sources.facts import FileFacts

# a control character that no JSON text may hold unescaped, so a line stays one cell
_NO_DELIMITER = "\x01"
_BLANKS = "' ' || chr(9) || chr(13)"
# "Error" without a kind is what damaged Parquet pages give
_READ_ERRORS = frozenset(
    {"InvalidInputException", "IOException", "ConversionException", "SerializationException", "Error"}
)


@dataclass(frozen=True, slots=True)
class Relation:
    """A file as SQL.

    Parameters
    ----------
    sql : str
        SELECT with ``keep`` (a line that is no JSON object, else NULL) and c0, c1 … as found in the file.
    columns : tuple of str
        The file's names of c0, c1 …
    types : tuple of str
        Their DuckDB types.
    lines_table : str
        Temp table in which the reader puts malformed lines; empty for Parquet.
    """

    sql: str
    columns: tuple[str, ...]
    types: tuple[str, ...]
    lines_table: str

    def at(self, name: str) -> tuple[str, str]:
        """Return our name and the type of a column of the file."""
        index = self.columns.index(name)
        return f"c{index}", self.types[index]


def run(con: Any, sql: str, place: Place) -> Any:
    """Execute SQL that reads the user's file; what the reader refuses becomes an ExportError.

    Raises
    ------
    ExportError
        The engine could not read the file.
    """
    try:
        return con.execute(sql)
    except Exception as error:
        if not type(error).__module__.lstrip("_").startswith("duckdb") or type(error).__name__ not in _READ_ERRORS:
            raise
        first = str(error).split("\n", 1)[0][:300]
        raise ExportError(
            f"the rows cannot be read ({first})", "a whole, readable file", "copy or export it again", place=place
        ) from error


def count(con: Any, table: str, what: str = "*") -> int:
    """Return ``count(what)``; fetched to the end, because the engine refuses other work beside a half-read result."""
    return int(con.execute(f"SELECT count({what}) FROM {table}").fetchall()[0][0])


def relate(con: Any, facts: FileFacts, path: Path, prefix: str) -> Relation:
    """Return the file as a relation.

    Parameters
    ----------
    con : DuckDB connection
        For Parquet and JSON Lines, whose types and keys are asked from the engine.
    facts : FileFacts
        What ``probe`` found.
    path : Path
        The file to read: the one probed, or its cleaned copy.
    prefix : str
        Start of the names of temp objects.
    """
    if facts.format == "parquet":
        return _parquet(con, facts, path)
    lines = f"{prefix}_lines"
    if facts.format.startswith("jsonl"):
        return _jsonl(con, facts, path, lines)
    names = tuple(f"c{index}" for index in range(len(facts.columns)))
    options = {
        "header": "true", "delim": literal(facts.delimiter), "quote": "'\"'", "escape": "'\"'", "strict_mode": "true",
        "skip": str(facts.skip),
    }  # fmt: skip
    scan = _read_csv(path, names, options, lines, packed=facts.packed)
    return Relation(
        f"SELECT CAST(NULL AS VARCHAR) AS keep, * FROM {scan}", facts.columns, ("VARCHAR",) * len(names), lines
    )


def _read_csv(path: Path, names: Sequence[str], options: Mapping[str, str], lines: str, *, packed: bool) -> str:
    """A read_csv call with nothing left to guess."""
    columns = ", ".join(f"'{name}': 'VARCHAR'" for name in names)
    fixed = {
        "auto_detect": "false", "columns": f"{{{columns}}}", "encoding": "'utf-8'", "store_rejects": "true",
        "compression": "'gzip'" if packed else "'none'", "rejects_table": literal(lines),
        "rejects_scan": literal(f"{lines}_scan"),
    }  # fmt: skip
    text = ", ".join(f"{key} = {value}" for key, value in {**fixed, **options}.items())
    return f"read_csv({_file(path)}, {text})"


def _file(path: Path) -> str:
    """A path as a literal that names exactly one file: absolute, and with the wildcards of glob escaped."""
    text = str(path.absolute())
    return literal("".join(f"[{char}]" if char in "*?[" else char for char in text))


def _parquet(con: Any, facts: FileFacts, path: Path) -> Relation:
    """A Parquet scan; nested values become JSON text."""
    names = tuple(f"c{index}" for index in range(len(facts.columns)))
    scan = f"read_parquet({_file(path)}) AS file({', '.join(names)})"
    described = run(con, f"DESCRIBE SELECT * FROM {scan}", facts.place).fetchall()
    types, columns = [], []
    for name, sql_type, *_ in described:
        shown, kind = _readable(name, str(sql_type))
        columns.append(f"{shown} AS {name}")
        types.append(kind)
    return Relation(
        f"SELECT CAST(NULL AS VARCHAR) AS keep, {', '.join(columns)} FROM {scan}", facts.columns, tuple(types), ""
    )


def _readable(name: str, sql_type: str) -> tuple[str, str]:
    """SQL and type of a Parquet column: nested values as JSON, bytes as the text they are or else escaped."""
    if sql_type.endswith("]") or sql_type.startswith(("STRUCT", "MAP", "UNION", "VARIANT")):
        return f"CAST(to_json({name}) AS VARCHAR)", "VARCHAR"
    if sql_type == "BLOB":
        return f"coalesce(TRY(decode({name})), CAST({name} AS VARCHAR))", "VARCHAR"
    if sql_type.startswith("ENUM"):
        return f"CAST({name} AS VARCHAR)", "VARCHAR"
    return name, sql_type


def _jsonl(con: Any, facts: FileFacts, path: Path, lines: str) -> Relation:
    """JSON Lines: each line one cell, then one look-up of all keys in it."""
    options = {
        "header": "false", "delim": literal(_NO_DELIMITER), "quote": "''", "escape": "''", "strict_mode": "false",
    }  # fmt: skip
    scan = _read_csv(path, ["line"], options, lines, packed=facts.packed)
    rows = f"SELECT line FROM {scan} WHERE trim(line, {_BLANKS}) <> ''"
    is_object = "CASE WHEN json_valid(line) THEN json_type(line) = 'OBJECT' ELSE FALSE END"
    drop(con, lines)
    found = run(
        con,
        f"SELECT DISTINCT unnest(CASE WHEN {is_object} THEN json_keys(line) END) AS key FROM ({rows})",
        facts.place,
    ).fetchall()
    drop(con, lines)
    known = dict.fromkeys(facts.columns)
    later = sorted(key for (key,) in found if key not in known)
    keys = tuple(key for key in (*known, *later) if "\x00" not in key)
    paths = ", ".join(literal("/" + key.replace("~", "~0").replace("/", "~1")) for key in keys)
    cells = ", ".join(f"cells[{index}] AS c{index - 1}" for index in range(1, len(keys) + 1))
    sql = (
        f"SELECT CASE WHEN cells IS NULL THEN left(line, 200) END AS keep, {cells} FROM (SELECT line, "
        f"CASE WHEN {is_object} THEN json_extract_string(line, [{paths}]) END AS cells FROM ({rows}))"
    )
    return Relation(sql, keys, ("VARCHAR",) * len(keys), lines)


def drop(con: Any, lines: str) -> None:
    """Remove the tables of malformed lines, which the reader makes anew for each scan."""
    if lines:
        con.execute(f"DROP TABLE IF EXISTS temp.{lines}")
        con.execute(f"DROP TABLE IF EXISTS temp.{lines}_scan")
