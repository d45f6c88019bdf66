"""Text cells to typed values: one SQL expression a storage type, and the sentence for a cell that has no such value.

The SQL is made from the typed columns of ``domain.tables`` and from nothing that a user wrote: relations arrive with
columns of our own names, and what a user may name (a file, a key, a value) only ever becomes a quoted literal.
"""

# ruff: noqa: S608 - the SQL is made of our own names; what users write enters only as quoted literals

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from triage_lab.domain.tables import Column, Kind
from triage_lab.sources.times import (
    DAY,
    MIDNIGHT,
    NEWEST,
    NO_TIME,
    OLDEST,
    in_utc,
    matches,
    never_written,
    plausible,
    quick_instant,
    quick_wall,
    slow_instant,
    slow_wall,
)
from triage_lab.sources.zones import Zone

_NUMBER = r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,5})?\s*"
_WHOLE = r"\s*[+-]?\d{1,30}(\.0*)?\s*"
_DATE = rf"\s*{DAY}\s*"
_NATIVE = {
    (Kind.TIMESTAMP, "TIMESTAMP"),
    (Kind.TIMESTAMP, "TIMESTAMP WITH TIME ZONE"),
    (Kind.INTEGER, "BIGINT"),
    (Kind.INTEGER, "INTEGER"),
    (Kind.DOUBLE, "DOUBLE"),
    (Kind.BOOLEAN, "BOOLEAN"),
    (Kind.DATE, "DATE"),
    (Kind.JSON, "JSON"),
}
_REASONS = {
    Kind.DATE: "not a date: YYYY-MM-DD",
    Kind.INTEGER: "not a whole number of 64 bits",
    Kind.DOUBLE: "not a finite number with a decimal point",
    Kind.BOOLEAN: "not true, false, yes, no, t, f, 1 or 0",
    Kind.JSON: "not a JSON object",
}
_ORDERED_TIMES = {"day_first": "d/m/yyyy HH:MM", "month_first": "m/d/yyyy HH:MM"}
# columns that say whether a promise was kept: vendors write them in words, too
_PROMISES = frozenset({"sla_met", "made_sla"})
_KEPT, _BROKEN = ("met", "ontime", "on time", "on-time"), ("missed", "breached", "overdue", "late")
SPARE_NULLS = ("?", "NULL", "\\N", "NONE", "N/A", "NAT")
_PUNCTUATION = re.compile(r"[!-/:-@\[-`{-~]")
_SPARED_BYTES = 7  # blanks around a token included; 1/1/1900 has one more
_WORD = 62  # bits of a BIGINT that count spared cells
NOT_A_TIME = "not a time: "
NO_ZONE = "has no time zone"
NUL = "contains a NUL character"
MISSING = "the required value is missing"


@dataclass(frozen=True, slots=True)
class Reading:
    """How the cells of a file are to be read.

    Parameters
    ----------
    zone : Zone or None
        Zone of times that name none; None rejects them.
    date_order : str
        ``iso``, or also ``day_first`` (d/m/yyyy) or ``month_first`` (m/d/yyyy).
    null_tokens : tuple of str
        Texts that mean NULL besides the empty one.
    text_nulls : tuple of str
        Texts that mean NULL in columns of text, if a cell is exactly this.
    nul : bool
        Whether texts may hold NUL characters and have to be searched for them.

    Notes
    -----
    In columns of other kinds ``SPARE_NULLS`` and, for times and dates, 1900-01-01 at midnight mean NULL, too, because
    no value is written so; how often that was needed is counted (``spared``).
    """

    zone: Zone | None = None
    date_order: str = "iso"
    null_tokens: tuple[str, ...] = ()
    text_nulls: tuple[str, ...] = ()
    nul: bool = False


@dataclass(frozen=True, slots=True)
class Cell:
    """One column to be typed.

    Parameters
    ----------
    column : Column
        What it becomes.
    source : str
        SQL of the raw value, over a relation with our own column names.
    sql_type : str
        DuckDB type of the raw value.
    codes : mapping of str to str
        For text: leading number ("3" in "3 - Moderate") to the word that is stored.
    """

    column: Column
    source: str
    sql_type: str = "VARCHAR"
    codes: Mapping[str, str] = field(default_factory=dict)

    @property
    def native(self) -> bool:
        """Whether the raw value needs no parsing."""
        return (self.column.kind, self.sql_type) in _NATIVE


def identifier(name: str) -> str:
    """Quote a name for SQL."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Quote a text for SQL."""
    return "'" + text.replace("'", "''") + "'"


def one_of(value: str, words: Sequence[str], flags: str = "") -> str:
    """SQL: the value is one of these words, with any blanks around it.

    Notes
    -----
    Not ``IN``: of five words or more the engine makes a join, behind which rows lose the order of the file.
    """
    plain = "|".join(_PUNCTUATION.sub(r"\\\g<0>", word) for word in words)
    return f"regexp_full_match({value}, {literal(f'{flags} *({plain}) *')})"


def typed(cells: Sequence[Cell], relation: str, reading: Reading) -> str:
    """Return a SELECT over ``relation`` with raw (r0, r1 …) and typed (v0, v1 …) values of the cells.

    ``relation`` has a column ``keep``, which is handed through, and the columns that the cells' sources name.

    Notes
    -----
    Layers: raw values with null tokens gone (r), and for times quick instants (q) and wall-clock times (p), the same
    of rarer spellings where those are NULL (u, w), UTC (x); typed values (v) last. A layer sees only names of the
    layers below, so an expression is written once, and a rare spelling is looked for only where the common ones fail.
    Bit ``at % 62`` of s0, s1 … (``spared``) says that a cell became NULL for a token that its source does not declare.
    """
    raw = ", ".join(f"{_raw(cell, reading)} AS r{i}" for i, cell in enumerate(cells))
    words = _spared_words(cells, reading)
    times = [(i, cell) for i, cell in enumerate(cells) if cell.column.kind is Kind.TIMESTAMP]
    sql = f"SELECT keep, {''.join(f'{word}, ' for word in words)}{raw} FROM ({relation})"
    for layer in (_quick, _quick_wall, _slow, _slow_wall, _utc):
        added = "".join(f", {layer(i, cell, reading)}" for i, cell in times)
        sql = f"SELECT *{added} FROM ({sql})" if added else sql
    names = (f"s{nth}" for nth in range(len(words)))
    kept = ", ".join([*(f"r{i}" for i in range(len(cells))), *(f"w{i}" for i, _ in times), *names])
    values = ", ".join(f"{_value(i, cell)} AS v{i}" for i, cell in enumerate(cells))
    return f"SELECT keep, {kept}, {values} FROM ({sql})"


def _raw(cell: Cell, reading: Reading) -> str:
    """The raw value, NULL where the file says so in its own words."""
    own = _own_null(cell, reading)
    nulls = " OR ".join(f"({test})" for test in (own, _spare_null(cell, reading)) if test)
    return f"CASE WHEN {nulls} THEN NULL ELSE {cell.source} END" if nulls else cell.source


def _own_null(cell: Cell, reading: Reading) -> str:
    """SQL: the cell is empty, or what the source says that it writes for NULL."""
    if cell.sql_type != "VARCHAR":
        return ""
    if not reading.null_tokens:
        return f"{cell.source} = ''"
    return one_of(cell.source, ("", *reading.null_tokens))


def _spare_null(cell: Cell, reading: Reading) -> str:
    """SQL: the cell is a text that stands for NULL in many exports; empty where that does not apply."""
    source, kind = cell.source, cell.column.kind
    if kind is Kind.JSON or (kind is Kind.TEXT and not reading.text_nulls):
        return ""
    dated = kind in {Kind.TIMESTAMP, Kind.DATE}
    if cell.sql_type != "VARCHAR":
        return never_written(source, cell.sql_type) if dated else ""
    if kind is Kind.TEXT:
        return " OR ".join(f"{source} = {literal(token)}" for token in reading.text_nulls)
    other = never_written(source, "VARCHAR") if dated else "FALSE"
    token = one_of(source, SPARE_NULLS, "(?i)")
    return f"CASE WHEN strlen({source}) <= {_SPARED_BYTES} THEN {token} ELSE {other} END"


def spared(cells: Sequence[Cell], reading: Reading) -> tuple[int, ...]:
    """Return the indices of the cells that may be spared, in the order of their bits (see ``typed``)."""
    return tuple(index for index, cell in enumerate(cells) if _spare_null(cell, reading))


def spared_at(place: int) -> tuple[str, int]:
    """Return the column and the bit of the cell at this place of ``spared``."""
    return f"s{place // _WORD}", place % _WORD


def _spared_words(cells: Sequence[Cell], reading: Reading) -> list[str]:
    """SQL of the columns of bits, s0, s1 and so on."""
    words: dict[str, list[str]] = {}
    for place, index in enumerate(spared(cells, reading)):
        cell = cells[index]
        own, spare = _own_null(cell, reading), _spare_null(cell, reading)
        test = f"({spare}) AND NOT ({own})" if own else spare
        word, bit = spared_at(place)
        words.setdefault(word, []).append(f"CASE WHEN {test} THEN {1 << bit} ELSE 0 END")
    return [f"CAST({' + '.join(terms)} AS BIGINT) AS {word}" for word, terms in words.items()]


def _text(cell: Cell, value: str) -> str:
    """The raw value as text."""
    return value if cell.sql_type == "VARCHAR" else f"CAST({value} AS VARCHAR)"


def _quick(index: int, cell: Cell, reading: Reading) -> str:
    """Layer q: instants that are there already, or in a common spelling."""
    raw = f"r{index}"
    if cell.sql_type == "TIMESTAMP WITH TIME ZONE":
        return f"CASE WHEN isfinite({raw}) THEN make_timestamp(epoch_us({raw})) END AS q{index}"
    return f"{NO_TIME if cell.native else quick_instant(_text(cell, raw))} AS q{index}"


def _quick_wall(index: int, cell: Cell, reading: Reading) -> str:
    """Layer p: wall-clock times that are there already, or in a common spelling."""
    raw = f"r{index}"
    if cell.sql_type == "TIMESTAMP":
        return f"CASE WHEN {raw} BETWEEN {OLDEST} AND {NEWEST} THEN {raw} END AS p{index}"
    wall = (
        NO_TIME
        if cell.native
        else f"CASE WHEN q{index} IS NULL THEN {quick_wall(_text(cell, raw), reading.date_order)} END"
    )
    return f"{wall} AS p{index}"


def _slow(index: int, cell: Cell, reading: Reading) -> str:
    """Layer u: all instants."""
    if cell.native:
        return f"q{index} AS u{index}"
    slow = slow_instant(_text(cell, f"r{index}"))
    return f"coalesce(q{index}, CASE WHEN p{index} IS NULL THEN {slow} END) AS u{index}"


def _slow_wall(index: int, cell: Cell, reading: Reading) -> str:
    """Layer w: all wall-clock times."""
    if cell.native:
        return f"p{index} AS w{index}"
    slow = slow_wall(_text(cell, f"r{index}"), reading.date_order)
    return f"coalesce(p{index}, CASE WHEN u{index} IS NULL THEN {slow} END) AS w{index}"


def _utc(index: int, cell: Cell, reading: Reading) -> str:
    """Layer x: all in UTC."""
    return f"{in_utc(f'u{index}', f'w{index}', reading.zone)} AS x{index}"


def _value(index: int, cell: Cell) -> str:
    """The typed value; NULL where the raw value cannot be typed."""
    raw, kind = f"r{index}", cell.column.kind
    if kind is Kind.TIMESTAMP:
        return plausible(f"x{index}")
    text = _text(cell, raw)
    if kind is Kind.TEXT:
        return _words(text, cell)
    if cell.native:
        if kind is Kind.DOUBLE:
            return f"CASE WHEN isfinite({raw}) THEN {raw} END"
        if kind is Kind.DATE:
            return f"CASE WHEN {raw} BETWEEN DATE '1000-01-01' AND DATE '9999-12-31' THEN {raw} END"
        return f"CAST({raw} AS {kind.value})"
    if kind is Kind.BOOLEAN and cell.column.name in _PROMISES:
        return _flag(text, _KEPT, _BROKEN)
    return _PARSE[kind](text)


def _words(text: str, cell: Cell) -> str:
    """A text, with codes replaced and a required one that is only blanks taken as missing."""
    value = text
    if cell.codes:
        code = rf"regexp_extract({text}, '^\s*(\d+)\s*(-.*)?$', 1)"
        cases = " ".join(f"WHEN {literal(key)} THEN {literal(word)}" for key, word in cell.codes.items())
        value = f"coalesce(CASE {code} {cases} END, {text})"
    return f"CASE WHEN trim({text}) <> '' THEN {value} END" if cell.column.required else value


def _whole(text: str) -> str:
    """Text to BIGINT; 3.0 is 3, 3.5 is refused."""
    return f"CASE WHEN {matches(text, _WHOLE)} THEN try_cast({text} AS BIGINT) END"


def _number(text: str) -> str:
    """Text to a finite DOUBLE."""
    number = f"try_cast({text} AS DOUBLE)"
    return f"CASE WHEN {matches(text, _NUMBER)} THEN CASE WHEN isfinite({number}) THEN {number} END END"


def _flag(text: str, also_yes: Sequence[str] = (), also_no: Sequence[str] = ()) -> str:
    """Text to BOOLEAN."""
    yes = one_of(text, ("true", "t", "yes", "1", *also_yes), "(?i)")
    no = one_of(text, ("false", "f", "no", "0", *also_no), "(?i)")
    return f"CASE WHEN {yes} THEN TRUE WHEN {no} THEN FALSE END"


def _day(text: str) -> str:
    """Text to DATE; a time of day is accepted only if it is midnight, and then the date counts as written."""
    day = rf"try_cast(regexp_extract({text}, '{DAY}') AS DATE)"
    upper = f"upper({text})"
    return f"CASE WHEN {matches(text, _DATE)} OR {matches(upper, MIDNIGHT)} THEN {day} END"


def _object(text: str) -> str:
    """Text to a JSON object; the nesting keeps json_type away from text that is no JSON."""
    return f"CASE WHEN json_valid({text}) THEN CASE WHEN json_type({text}) = 'OBJECT' THEN CAST({text} AS JSON) END END"


_PARSE = {Kind.INTEGER: _whole, Kind.DOUBLE: _number, Kind.BOOLEAN: _flag, Kind.DATE: _day, Kind.JSON: _object}


def is_bad(index: int, cell: Cell, reading: Reading) -> str:
    """SQL over the columns of ``typed``: this cell makes its row a reject; empty if it never can."""
    raw, value = f"r{index}", f"v{index}"
    parts = []
    if cell.column.required:
        parts.append(f"{value} IS NULL")
    elif cell.column.kind is not Kind.TEXT:
        parts.append(f"({raw} IS NOT NULL AND {value} IS NULL)")
    if reading.nul and cell.column.kind in {Kind.TEXT, Kind.JSON}:
        mark = "chr(0)" if cell.column.kind is Kind.TEXT else r"'\u0000'"
        # contains() is NULL for a NULL cell, and a NULL here would hide the other reasons
        parts.append(f"coalesce(contains(CAST({raw} AS VARCHAR), {mark}), FALSE)")
    return " OR ".join(parts)


def reason(index: int, cell: Cell, reading: Reading) -> str:
    """SQL: why this cell makes its row a reject."""
    raw, kind = f"r{index}", cell.column.kind
    cases = [f"WHEN {raw} IS NULL OR trim({raw}) = '' THEN {literal(MISSING)}"]
    cases.append(rf"WHEN contains({raw}, chr(0)) OR contains({raw}, '\u0000') THEN {literal(NUL)}")
    if kind is Kind.TIMESTAMP and reading.zone is None:
        cases.append(f"WHEN w{index} IS NOT NULL THEN {literal(NO_ZONE)}")
    return f"CASE {' '.join(cases)} ELSE {literal(_reason(cell, reading))} END"


def _reason(cell: Cell, reading: Reading) -> str:
    """The sentence for a cell that has no value of its kind."""
    kind = cell.column.kind
    if kind is Kind.TIMESTAMP:
        order = _ORDERED_TIMES.get(reading.date_order)
        written = f", {order}" if order else ""
        return f"{NOT_A_TIME}ISO 8601 such as 2026-01-31T09:30:00Z{written}, or epoch seconds or milliseconds"
    if kind is Kind.BOOLEAN and cell.column.name in _PROMISES:
        return f"{_REASONS[kind]}, nor {', '.join((*_KEPT, *_BROKEN))}"
    return _REASONS.get(kind, MISSING)
