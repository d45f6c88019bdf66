"""Whether a file fits a target, and which source or table fits it better."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Mapping, Sequence

from triage_lab.domain.errors import ExportError, Place
from triage_lab.domain.tables import CANONICAL, Table
from triage_lab.sources.columns import listed, match_object, nearest, plain, suggestion
from triage_lab.sources.facts import FileFacts
from triage_lab.sources.file_names import by_name
from triage_lab.sources.mapping import Mapping as Source
from triage_lab.sources.mapping import SourceObject, list_sources, read_mapping
from triage_lab.sources.recipes import day_and_time
from triage_lab.sources.strangers import stranger

# how much of what a file has must be an object's own, for its columns alone to tell the object
_TELLING = 1.0
# names that tables of every system have say little
_COMMON = frozenset(
    (
        "id", "name", "title", "type", "status", "description", "url", "created", "created_at", "updated", "updated_at",
        "deleted", "is_deleted", "active",
    )
)  # fmt: skip
_COMMON_WEIGHT = 0.25


def require_table(table: Table, file_columns: Sequence[str], found: Mapping[str, str], place: Place) -> None:
    """Refuse a file that lacks a required column of a canonical table.

    Raises
    ------
    ExportError
        With the missing columns, and for each the column of the file that is most like it.
    """
    missing = [column.name for column in table.columns if column.required and column.name not in found]
    if not missing:
        return
    free = [name for name in file_columns if name not in found.values()]
    near = {name: other for name in missing if (other := suggestion(name, free))}
    hints = ", ".join(f"'{other}' for {name}" for name, other in near.items())
    fit = best_fit(file_columns)
    action = f"map columns with --propose ({hints})" if hints else "map columns with --propose"
    if "created_at" in missing and "created_at" not in near and not day_and_time(file_columns):
        action += "; a log without times of arrival cannot be replayed"
    if fit in list_sources():
        action = f"this looks like {fit}: use --source {fit}"
    raise ExportError(
        f"{_missing(missing)}; the file has {listed(file_columns)}", f"the columns {', '.join(_required(table))}",
        action, place=place, missing=tuple(missing), nearest=near,
    )  # fmt: skip


def require_object(
    source: Source, item: SourceObject, file_columns: Sequence[str], found: Container[str], place: Place,
    files: Sequence[FileFacts] = (),
) -> None:  # fmt: skip
    """Refuse a file that lacks a required column of an object of a source.

    Parameters
    ----------
    source, item : Mapping, SourceObject
        The source and the object.
    file_columns : sequence of str
        Names in the file.
    found : container of str
        Columns of the object that the file has.
    place : Place
        The file.
    files : sequence of FileFacts
        All files of the call, to tell of which source they are.

    Raises
    ------
    ExportError
        With the missing columns, the column of the file most like each, and the source or table that fits the files
        best.
    """
    missing = [name for name in item.required if name not in found]
    if not missing:
        return
    fit, action = advice(files, source) if len(files) > 1 else advice_on(file_columns, source)
    near = {name: other for name in missing if (other := nearest(name, file_columns))} if source.many else {}
    if near and not action:
        hints = ", ".join(f"'{other}' to {name}" for name, other in near.items())
        action = f"rename {hints} if that is what it holds"
    if not action:
        other_way = ", or say what it is: OBJECT=FILE" if source.many else ", or use --table with --propose"
        action = f"check that this is an export of {source.name}{other_way}"
    whose = f"{item.name} ({source.name})" if source.many else source.name
    raise ExportError(
        f"{_missing(missing)} of {whose}; the file has {listed(file_columns)}",
        f"the columns {', '.join(item.required)}", action, place=place, missing=tuple(missing), fit=fit, nearest=near,
    )  # fmt: skip


def advice_on(file_columns: Sequence[str], source: Source) -> tuple[str, str]:
    """Return what one file fits best, and the sentence that says so; empty if that is the source itself or nothing."""
    fit = best_fit(file_columns)
    if fit in list_sources() and fit != source.name:
        return fit, f"this looks like {fit}: use --source {fit}"
    if fit in CANONICAL:
        return fit, f"this looks like the table {fit}: use --table {fit}"
    return fit, "" if fit else stranger([file_columns])


def advice(files: Sequence[FileFacts], source: Source) -> tuple[str, str]:
    """Return what the files of a call fit best, and the sentence that says so; both empty for nothing better.

    Notes
    -----
    Of several files, at least half and more than are the source's own must be another source's.
    """
    if len(files) == 1:
        return advice_on(files[0].columns, source)
    told = {name: sum(is_told(facts, read_mapping(name)) for facts in files) for name in list_sources()}
    own = told.pop(source.name, 0)
    most = max(told.values(), default=0)
    if most > own and 2 * most >= len(files):
        fit = next(name for name, times in told.items() if times == most)
        return fit, f"the files look like {fit}: use --source {fit}"
    tables = [fit for facts in files if (fit := best_fit(facts.columns)) in CANONICAL]
    if 2 * len(tables) >= len(files) and len(tables) > own:
        return tables[0], f"the files look like canonical tables: load each by itself, --table {tables[0]} and so on"
    return "", stranger([facts.columns for facts in files])


def nearly(file_columns: Sequence[str], source: Source) -> tuple[str, tuple[str, ...]]:
    """Return the object that half of a file's columns are of, and the required ones that it lacks; else empty."""
    best: tuple[int, str, tuple[str, ...]] = (0, "", ())
    for item in source.objects:
        found = match_object(file_columns, item, None, Place())
        missing = tuple(name for name in item.required if name not in found)
        if missing and 2 * len(found) >= len(file_columns) and len(found) > best[0]:
            best = (len(found), item.name, missing)
    return best[1:]


def is_told(facts: FileFacts, source: Source) -> bool:
    """Whether a file's name or its columns say that it is of a source."""
    name = by_name(facts.path, source) if source.many else ""
    if name:
        item = source.object(name)
        return set(item.required) <= match_object(facts.columns, item, None, facts.place).keys()
    return any(likeness(facts.columns, source, item) for item in source.objects)


def _missing(names: Sequence[str]) -> str:
    """The sentence's start."""
    return f"the column{'s' if len(names) > 1 else ''} {', '.join(names)} {'are' if len(names) > 1 else 'is'} missing"


def _required(table: Table) -> list[str]:
    """Names of the columns a table cannot do without."""
    return [column.name for column in table.columns if column.required]


def best_fit(file_columns: Sequence[str]) -> str:
    """Return the source or canonical table whose columns fit a file best; empty if none has all it requires.

    Examples
    --------
    >>> best_fit(["invoice_id", "account_id", "issued_at", "currency"])
    'invoices'
    """
    names = {plain(name) for name in file_columns}
    scores: list[tuple[float, str]] = []
    for name, table in CANONICAL.items():
        if names.issuperset(_required(table)):
            scores.append((sum(column.name in names for column in table.columns), name))
    for name in list_sources():
        source = read_mapping(name)
        scores.append((max(likeness(file_columns, source, item) for item in source.objects), name))
    score, fit = max(scores, key=lambda pair: pair[0], default=(0.0, ""))
    return fit if score else ""


def likeness(file_columns: Sequence[str], source: Source, item: SourceObject) -> float:
    """Return how many columns of a file are an object's; 0 if they do not tell that it is this object.

    Parameters
    ----------
    file_columns : sequence of str
        Names in the file.
    source, item : Mapping, SourceObject
        The source, and one of its objects.

    Notes
    -----
    A column known by another name counts three quarters, so a file is taken for what it calls itself. A required
    column must be there. Of several objects, half of the file's columns or of the object's must agree, and what agrees
    must be the object's own: a column that k objects have counts 1/k, one that every table has (``id``) a quarter at
    most, and a whole is needed.
    """
    found = match_object(file_columns, item, None, Place())
    if not all(name in found for name in item.required):
        return 0.0
    if source.many:
        if 2 * len(found) < min(len(file_columns), len(item.columns)):
            return 0.0
        weights = _weights(source)
        if sum(weights.get(plain(name), 1.0) for name, _ in found.values()) < _TELLING:
            return 0.0
    return sum(1.0 if plain(name) == target else 0.75 for target, (name, _) in found.items())


def _weights(source: Source) -> dict[str, float]:
    """How much each column name says about which object of a source a file is."""
    shared = Counter(
        shape
        for item in source.objects
        for shape in {plain(name) for column in item.columns for name in (column.name, *column.aliases)}
    )
    return {shape: min(1 / times, _COMMON_WEIGHT if shape in _COMMON else 1.0) for shape, times in shared.items()}
