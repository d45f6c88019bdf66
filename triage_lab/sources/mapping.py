"""Source mappings: one YAML file and a few queries a source, read into frozen types."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection
from collections.abc import Mapping as MappingType
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

from triage_lab.domain.errors import InternalError, UsageError
from triage_lab.domain.tables import CANONICAL, Kind

EITHER = " or "
"""Between two objects of which either will do."""


@dataclass(frozen=True, slots=True)
class SourceColumn:
    """One column of an export.

    Parameters
    ----------
    name : str
        Its name in the export, as the queries use it.
    kind : Kind
        How its cells are typed.
    required : bool
        Whether the export must have it and a row without it is rejected.
    aliases : tuple of str
        Other names under which it comes, compared without case and blanks.
    codes : mapping of str to str
        Leading number of a cell to the word stored for it.
    """

    name: str
    kind: Kind
    required: bool
    aliases: tuple[str, ...]
    codes: MappingType[str, str]


@dataclass(frozen=True, slots=True)
class SourceObject:
    """One kind of row of an export: its tickets, its users, its history.

    Parameters
    ----------
    name : str
        Its name; queries read it as the view ``src_<name>``.
    title : str
        What a row of it is.
    names : tuple of str
        Stems of file names that mean it, in the form of ``plain``; its own name is among them.
    columns : tuple of SourceColumn
        Columns that are read.
    extra : bool
        Whether the columns that the mapping does not name are kept in one more column, ``extra``, as a JSON object.
    """

    name: str
    title: str
    names: tuple[str, ...]
    columns: tuple[SourceColumn, ...]
    extra: bool = False

    @property
    def required(self) -> tuple[str, ...]:
        """Names of the columns that a file of it must have."""
        return tuple(column.name for column in self.columns if column.required)


@dataclass(frozen=True, slots=True)
class TableMapping:
    """How one canonical table comes out of the export.

    Parameters
    ----------
    table : str
        Canonical table.
    paths : mapping of str to str
        Canonical column to where it comes from, in words.
    not_derived : mapping of str to str
        Canonical column that stays NULL, with the reason.
    sql : str
        Query over ``source_rows``, or over the views ``src_<object>`` of a source with several objects.
    from_objects : tuple of str
        Objects without which the table is not derived (``a or b``: either will do); empty for a source of one object.
    """

    table: str
    paths: MappingType[str, str]
    not_derived: MappingType[str, str]
    sql: str
    from_objects: tuple[str, ...] = ()

    def wants(self, name: str) -> bool:
        """Whether the table needs this object, alone or as one of two."""
        return any(name in need.split(EITHER) for need in self.from_objects)

    def lacking(self, objects: Collection[str]) -> list[str]:
        """Return the objects that the table needs and that are not among these."""
        return [need for need in self.from_objects if not set(need.split(EITHER)).intersection(objects)]


@dataclass(frozen=True, slots=True)
class Layout:
    """A way in which the export is written: its name and how it orders day and month (``iso`` is always read)."""

    name: str
    meaning: str
    date_order: str


# How a file with a canonical table's column names may write its times; the first is the default.
TABLE_LAYOUTS = (
    Layout("canonical", "times as ISO 8601 or epoch seconds", "iso"),
    Layout("day_first", "times as ISO 8601 or d/m/yyyy HH:MM[:SS], also with AM and PM", "day_first"),
    Layout("month_first", "times as ISO 8601 or m/d/yyyy HH:MM[:SS], also with AM and PM", "month_first"),
)


def choose_layout(owner: str, layouts: tuple[Layout, ...], name: str | None) -> Layout:
    """Return the layout of that name, or the first for None.

    Raises
    ------
    UsageError
        The owner (a source or a table) has no such layout.
    """
    if name is None:
        return layouts[0]
    for layout in layouts:
        if layout.name == name:
            return layout
    known = ", ".join(layout.name for layout in layouts)
    raise UsageError(f"{owner} has no layout '{name[:60]}'", f"one of {known}", "correct --layout", layout=name)


@dataclass(frozen=True, slots=True)
class Mapping:
    """A source: what its export looks like and what becomes of it.

    Parameters
    ----------
    name, version, title : str
        Name for ``--source``, version of the mapping, and what the source is.
    layouts : tuple of Layout
        The first is the default.
    timezone : str
        ``required``: times without a zone need ``--timezone``; ``required_or_utc``: without it they count as UTC.
    null_tokens : tuple of str
        Texts that mean NULL.
    objects : tuple of SourceObject
        What its files hold. A source of one object, whose files are loaded one by one, calls it ``rows``.
    many : bool
        Whether the export comes in several objects, whose files are loaded together.
    macros : tuple of (str, str)
        Name, and parameters with the expression, of functions that the queries call.
    steps : tuple of (str, str)
        Name and query of tables on the way, made in this order; later steps and the tables' queries read them by name.
    tables : tuple of TableMapping
        The canonical tables that come out.
    never_in_rules : mapping of str to str
        Columns that no rule may read, with the reason: they are known only later.
    assumptions : tuple of str
        What the mapping takes for granted.
    notices_sql : str
        Query over the same rows as those of the tables that returns one sentence a row about this export.
    """

    name: str
    version: str
    title: str
    layouts: tuple[Layout, ...]
    timezone: str
    null_tokens: tuple[str, ...]
    objects: tuple[SourceObject, ...]
    many: bool
    macros: tuple[tuple[str, str], ...]
    steps: tuple[tuple[str, str], ...]
    tables: tuple[TableMapping, ...]
    never_in_rules: MappingType[str, str]
    assumptions: tuple[str, ...]
    notices_sql: str

    def layout(self, name: str | None) -> Layout:
        """Return the layout of that name, or the default for None.

        Raises
        ------
        UsageError
            The source has no such layout.
        """
        return choose_layout(self.name, self.layouts, name)

    @property
    def columns(self) -> tuple[SourceColumn, ...]:
        """Columns that are read of a source of one object; none for several objects, which have their own."""
        return () if self.many else self.objects[0].columns

    @property
    def required(self) -> tuple[str, ...]:
        """Names of the columns that the file of a source of one object must have."""
        return tuple(column.name for column in self.columns if column.required)

    def object(self, name: str) -> SourceObject:
        """Return the object of that name.

        Raises
        ------
        UsageError
            The source has no such object; those that it has are named.
        """
        for item in self.objects:
            if name == item.name or name in item.names:
                return item
        known = ", ".join(item.name for item in self.objects)
        near = difflib.get_close_matches(name.lower(), [item.name for item in self.objects], n=1, cutoff=0.5)
        action = f"did you mean {near[0]}?" if near else "write OBJECT=FILE with one of these names"
        raise UsageError(f"{self.name} has no object '{name[:60]}'", f"one of {known}", action, object=name)


def _folder() -> Traversable:
    """Where the mappings lie inside the package."""
    return files("triage_lab.sources") / "mappings"


def list_sources() -> tuple[str, ...]:
    """Return the names of the sources that have a mapping, sorted.

    Examples
    --------
    >>> "servicenow" in list_sources()
    True
    """
    return tuple(sorted(entry.name for entry in _folder().iterdir() if (entry / "mapping.yaml").is_file()))


@lru_cache(maxsize=32)
def read_mapping(name: str) -> Mapping:
    """Read the mapping of a source.

    Parameters
    ----------
    name : str
        One of ``list_sources()``.

    Raises
    ------
    UsageError
        No such source; the nearest name is given.

    Examples
    --------
    >>> read_mapping("servicenow").required
    ('number', 'opened_at', 'sys_updated_at')
    """
    known = list_sources()
    if name not in known:
        near = difflib.get_close_matches(name.lower(), [*known, *CANONICAL], n=1, cutoff=0.5)
        if near and near[0] in CANONICAL:
            action = f"for a file with the columns of a table, use --table {near[0]}"
        else:
            action = f"did you mean {near[0]}?" if near else "for a file with canonical names, use --table"
        raise UsageError(f"no source '{name}'", f"one of {', '.join(known)}", action, source=name)
    from ruamel.yaml import YAML

    folder = _folder() / name
    data = YAML(typ="safe").load((folder / "mapping.yaml").read_text(encoding="utf-8"))
    return _build(name, data, folder)


def _build(name: str, data: dict[str, Any], folder: Traversable) -> Mapping:
    """Turn a mapping's YAML into types; a mapping that ships broken is our fault, not the user's."""
    try:
        many = "objects" in data
        objects = _objects(data["objects"]) if many else (
            SourceObject("rows", str(data["title"]), ("rows",), _columns(data["columns"])),
        )  # fmt: skip
        known = tuple(item.name for item in objects) if many else ()
        tables = tuple(_table(str(key), spec, folder, known) for key, spec in data["tables"].items())
        layouts = tuple(Layout(str(k), str(v["meaning"]), str(v["date_order"])) for k, v in data["layouts"].items())
        macros = tuple((str(macro), _query(folder, str(macro))) for macro in data.get("macros", ()))
        steps = tuple((str(step), _query(folder, str(step))) for step in data.get("steps", ()))
        notices = _query(folder, "notices") if (folder / "notices.sql").is_file() else ""
        return Mapping(
            str(data["name"]), str(data["version"]), str(data["title"]), layouts, str(data["timezone"]),
            tuple(str(token) for token in data["null_tokens"]), objects, many, macros, steps,
            tables,
            {str(key): str(why) for key, why in (data["never_in_rules"] or {}).items()},
            tuple(str(text) for text in data["assumptions"]), notices,
        )  # fmt: skip
    except (KeyError, TypeError, ValueError, AttributeError, OSError) as error:
        raise InternalError(f"the mapping of {name} is broken ({error!r})", "a whole mapping.yaml") from error


def _query(folder: Traversable, name: str) -> str:
    """The text of a query."""
    return (folder / f"{name}.sql").read_text(encoding="utf-8")


def _objects(data: dict[str, Any]) -> tuple[SourceObject, ...]:
    """The objects of the YAML; a file name means one of them at most."""
    found = []
    for key, spec in data.items():
        name, columns = str(key), _columns(spec["columns"])
        if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or name == "call":
            raise ValueError(f"{name} cannot be the name of an object")
        taken = {column.name for column in columns} & {"row_no", "file_no", "extra"}
        if taken:
            raise ValueError(f"{name}: {sorted(taken)} are columns of our own")
        names = tuple(dict.fromkeys([name, *(str(other) for other in spec.get("names", ()))]))
        found.append(SourceObject(name, str(spec["title"]), names, columns, bool(spec.get("extra"))))
    stems = [stem for item in found for stem in item.names]
    twice = sorted({stem for stem in stems if stems.count(stem) > 1})
    if twice:
        raise ValueError(f"{twice} are names of two objects")
    return tuple(found)


def _columns(data: dict[str, Any]) -> tuple[SourceColumn, ...]:
    """The columns of the YAML; a file's column means one of them at most.

    What a required column goes by may also be another column's name: the required one takes it where it has no other.
    """
    columns = tuple(_column(str(key), spec or {}) for key, spec in data.items())
    for required in (True, False):
        own = [column for column in columns if column.required == required]
        names = [name for column in own for name in (column.name, *column.aliases)]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"{twice} are names of two columns")
    return columns


def _column(name: str, spec: dict[str, Any]) -> SourceColumn:
    """One column of the YAML."""
    codes = {str(key): str(word) for key, word in spec.get("codes", {}).items()}
    aliases = tuple(str(alias) for alias in spec.get("aliases", ()))
    return SourceColumn(name, Kind[str(spec.get("kind", "text")).upper()], bool(spec.get("required")), aliases, codes)


def _table(name: str, spec: dict[str, Any], folder: Traversable, objects: tuple[str, ...]) -> TableMapping:
    """One canonical table of the YAML; every canonical column is either derived or says why not."""
    paths = {str(key): str(path) for key, path in spec["columns"].items()}
    gaps = {str(key): str(why) for key, why in (spec["not_derived"] or {}).items()}
    known = {column.name for column in CANONICAL[name].columns}
    if known != paths.keys() | gaps.keys() or paths.keys() & gaps.keys():
        wrong = (known ^ (paths.keys() | gaps.keys())) | (paths.keys() & gaps.keys())
        raise ValueError(f"{name}: {sorted(wrong)} are not accounted for, or twice")
    needed = tuple(str(item) for item in spec["from"]) if objects else ()
    named = {part for item in needed for part in item.split(EITHER)}
    if not named <= set(objects) or (objects and not needed):
        raise ValueError(f"{name}: from {list(needed)} names no objects of the source")
    return TableMapping(name, paths, gaps, _query(folder, name), needed)
