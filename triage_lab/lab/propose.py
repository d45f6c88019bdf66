"""Which column of an unknown file is which canonical column: proposed, reviewed by a person, then applied."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from triage_lab import sources
from triage_lab.domain.errors import ConfigError, Place, UsageError
from triage_lab.domain.tables import CANONICAL, Kind
from triage_lab.lab.documents import read_document
from triage_lab.lab.fields import nearest


@dataclass(frozen=True, slots=True)
class Proposal:
    """Canonical column → column of the file (None = nothing fits), how sure; ``yaml`` to edit and pass back."""

    file: str
    table: str
    columns: tuple[tuple[str, str | None, float], ...]
    yaml: str


def propose(file: Path, table: str, delimiter: str | None = None) -> Proposal:
    """Look at a file's header and propose a mapping to a canonical table."""
    if table not in CANONICAL:
        raise UsageError(f"unknown table '{table[:60]}'", nearest(table, CANONICAL), "see docs/reference/tables.md")
    facts = sources.probe(file, delimiter=delimiter)
    found = tuple(sources.propose(facts, CANONICAL[table]))
    made = _made(facts.columns, table, found)
    taken = {name for name in sources.day_and_time(facts.columns) or () if made}
    lines = [f"# {table}: canonical column: column of {_comment(file.name)}; review what is marked unsure"]
    for canonical, column, certainty in found:
        if canonical in made:
            lines.append(made[canonical])
        elif column is not None and column not in taken:
            unit = f": must be in {sources.UNITS[canonical]}" if canonical in sources.UNITS else ""
            mark = "" if certainty >= sources.UNSURE_BELOW else f"  # unsure{unit}"
            lines.append(f"{canonical}: {_quoted(column)}{mark}")
        elif (wanted := CANONICAL[table].column(canonical)) is not None and wanted.required:
            lines.append(f"# {canonical}: required, and no column is named like it; write it here")
    return Proposal(str(file), table, found, "\n".join(lines) + "\n")


def _made(names: Sequence[str], table: str, found: Sequence[tuple[str, str | None, float]]) -> dict[str, str]:
    """Lines for values that no single column holds as it is: canonical column → line."""
    lines = {}
    pair = sources.day_and_time(names)
    for canonical, column, _ in found:
        wanted = CANONICAL[table].column(canonical)
        instant = wanted is not None and wanted.required and wanted.kind is Kind.TIMESTAMP
        if pair and instant and column in {None, *pair}:
            lines[canonical] = f"{canonical}: {{join: [{_quoted(pair[0])}, {_quoted(pair[1])}]}}  # unsure"
        elif canonical == "handle_minutes" and column is None and (worked := sources.time_worked(names)):
            units = ", ".join(sources.DURATIONS)
            lines[canonical] = f"# {canonical}: {{column: {_quoted(worked)}, unit: …}}  # unit: one of {units}"
    return lines


def _comment(text: str) -> str:
    """Text that stays inside a YAML comment."""
    return " ".join(text.split())


def _quoted(text: str) -> str:
    """A YAML single-quoted scalar on one line."""
    return "'" + text.replace("'", "''") + "'" if "\n" not in text else '"' + text.replace("\n", "\\n") + '"'


def read_columns(columns: str | Path | Mapping[str, Any] | None) -> Mapping[str, sources.Given] | None:
    """A mapping as given, or read from the YAML file that ``--propose`` printed.

    Parameters
    ----------
    columns : str, Path, mapping or None
        A YAML file, or its content: canonical column → column of the file, or how a value is made of several (see
        ``sources.read_recipe``).

    Raises
    ------
    ConfigError
        A value is no column name and no recipe.
    """
    if columns is None:
        return None
    if isinstance(columns, Mapping):
        return {key: _given(key, value, Place()) for key, value in columns.items()}
    document = read_document(Path(columns))
    return {key: _given(key, value, document.source.place(key)) for key, value in document.data.items()}


def _given(key: str, value: object, place: Place) -> sources.Given:
    """What a columns file says of one canonical column."""
    if isinstance(value, str | sources.Recipe):
        return value
    if isinstance(value, Mapping):
        try:
            return sources.read_recipe(key, value)
        except UsageError as error:
            raise ConfigError(error.found, error.expected, error.action, place=place) from error
    raise ConfigError(f"{key} is {value!r}", "the name of a column of the file, or {join: [date, time]}", place=place)
