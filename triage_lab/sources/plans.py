"""How the columns of one file become the columns of a target: of a canonical table, or of an object of a source."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from triage_lab.domain.errors import Place
from triage_lab.domain.tables import Column, Kind, Table
from triage_lab.sources.casts import Cell, literal
from triage_lab.sources.columns import match, match_object, plain
from triage_lab.sources.fit import require_object, require_table
from triage_lab.sources.mapping import Mapping as Source
from triage_lab.sources.mapping import SourceObject
from triage_lab.sources.recipes import Given, Recipe, check_recipes, recipe_sql
from triage_lab.sources.relation import Relation

EXTRA = Column("extra", Kind.TEXT, "columns that the mapping does not name, as a JSON object")


@dataclass(frozen=True, slots=True)
class Plan:
    """How the columns of one file are typed.

    Parameters
    ----------
    cells : tuple of Cell
        The columns that the file has.
    columns : tuple of Column
        All columns of the result, in order; those without a cell are NULL.
    kept, absent, ignored : tuple of str
        Columns of the file that go into one JSON column; columns of the target that the file lacks; columns of the
        file that are not read.
    """

    cells: tuple[Cell, ...]
    columns: tuple[Column, ...]
    kept: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()


def plan_table(relation: Relation, place: Place, table: Table, given: Mapping[str, Given] | None) -> Plan:
    """Plan the columns of a canonical table; others go to ``custom`` where the table has it.

    Parameters
    ----------
    relation : Relation
        The file.
    place : Place
        The file, for errors.
    table : Table
        The canonical table.
    given : mapping of str to str or Recipe, optional
        Table column to file column, or to how its value is made, from the user.

    Raises
    ------
    ExportError, UsageError
        A required column is missing, or a pair of ``given`` names nothing.
    """
    named, recipes = _parted(given, table.columns, relation, place)
    wanted = {column.name: () for column in table.columns if column.name not in recipes}
    found = match(relation.columns, wanted, named, place)
    read = {name for recipe in recipes.values() for name in recipe.reads}
    require_table(table, relation.columns, {**found, **dict.fromkeys(recipes, "")}, place)
    extras = [name for name in relation.columns if name not in found.values() and name not in read]
    custom = table.column("custom")
    cells = []
    for column in table.columns:
        if column.name in recipes:
            cells.append(Cell(column, recipe_sql(recipes[column.name], column, relation.at)))
        elif column is custom and extras:
            cells.append(Cell(column, *as_json(relation, extras, found.get("custom"))))
        elif column.name in found:
            cells.append(Cell(column, *relation.at(found[column.name])))
    shown = tuple(_called(relation, name) for name in extras)
    kept, ignored = ((), shown) if custom is None else (shown, ())
    return Plan(tuple(cells), table.columns, kept, (), ignored)


def plan_object(
    relation: Relation, place: Place, source: Source, item: SourceObject, given: Mapping[str, Given] | None
) -> Plan:
    """Plan the columns of an object of a source; others are left alone, or kept in ``extra`` if the object asks for it.

    Raises
    ------
    ExportError, UsageError
        A required column is missing, or a pair of ``given`` names nothing.

    Notes
    -----
    A column that no rule may read never comes into ``extra``. A column found by a path into nested JSON is NULL where
    the cell is no JSON, or has no such key.
    """
    kinds = [Column(spec.name, spec.kind, "", required=spec.required) for spec in item.columns]
    named, recipes = _parted(given, kinds, relation, place)
    found = match_object(relation.columns, item, named, place)
    found = {target: at for target, at in found.items() if not at[1] or relation.at(at[0])[1] in {"VARCHAR", "JSON"}}
    require_object(source, item, relation.columns, {*found, *recipes}, place)
    columns, cells = list(kinds), []
    for spec, column in zip(item.columns, kinds, strict=True):
        if spec.name in recipes:
            cells.append(Cell(column, recipe_sql(recipes[spec.name], column, relation.at), codes=spec.codes))
        elif spec.name in found:
            cells.append(Cell(column, *_at(relation, *found[spec.name]), codes=spec.codes))
    read = {name for name, _ in found.values()} | {name for recipe in recipes.values() for name in recipe.reads}
    late = {plain(name) for name in source.never_in_rules}
    rest = [name for name in relation.columns if name not in read]
    free = [name for name in rest if plain(name) not in late and f"{item.name}.{plain(name)}" not in late]
    kept: list[str] = []
    if item.extra:
        columns.append(EXTRA)
        kept, free = free, []
    if kept:
        cells.append(Cell(EXTRA, f"CAST({as_json(relation, kept, None)[0]} AS VARCHAR)"))
    absent = tuple(spec.name for spec in item.columns if spec.name not in found and spec.name not in recipes)
    return Plan(tuple(cells), tuple(columns), tuple(kept), absent, tuple(_called(relation, name) for name in free))


def _parted(
    given: Mapping[str, Given] | None, wanted: Sequence[Column], relation: Relation, place: Place
) -> tuple[dict[str, str], dict[str, Recipe]]:
    """What the user says: names of columns, and checked recipes."""
    named = {target: said for target, said in (given or {}).items() if isinstance(said, str)}
    recipes = {target: said for target, said in (given or {}).items() if isinstance(said, Recipe)}
    check_recipes(recipes, wanted, relation.columns, place)
    return named, recipes


def _at(relation: Relation, name: str, keys: Sequence[str]) -> tuple[str, str]:
    """SQL and type of a column of the file, or of what lies in its JSON under these keys."""
    source, sql_type = relation.at(name)
    if not keys:
        return source, sql_type
    path = "".join("/" + key.replace("~", "~0").replace("/", "~1") for key in keys)
    return f"CASE WHEN json_valid({source}) THEN json_extract_string({source}, {literal(path)}) END", "VARCHAR"


def _called(relation: Relation, name: str) -> str:
    """A column's name, or its place in the file if it has none."""
    return name or f"column_{relation.columns.index(name) + 1}"


def as_json(relation: Relation, names: Sequence[str], own: str | None) -> tuple[str, str]:
    """Return SQL and type: the columns as one JSON object of texts, sorted by name, NULLs left out.

    ``own`` is a column that holds such an object itself; its keys win.
    """
    pairs = []
    for name in sorted(names):
        source, _ = relation.at(name)
        key = json.dumps(_called(relation, name), ensure_ascii=False)
        pairs.append(f"{literal(key + ':')} || to_json(nullif(CAST({source} AS VARCHAR), ''))")
    # NULL || text is NULL, and concat_ws leaves NULLs out
    found = f"nullif('{{' || concat_ws(',', {', '.join(pairs)}) || '}}', '{{}}')"
    if own is None:
        return found, "JSON"
    text = f"nullif(CAST({relation.at(own)[0]} AS VARCHAR), '')"
    merged = f"CAST(json_merge_patch(coalesce({found}, '{{}}'), {text}) AS VARCHAR)"
    return f"CASE WHEN {text} IS NULL THEN {found} WHEN json_valid({text}) THEN {merged} ELSE {text} END", "VARCHAR"
