"""The context columns that conditions may read, from ``columns.yaml`` and a lab's own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from triage_lab.domain.desk import ColumnKind, ContextColumn
from triage_lab.domain.errors import PolicyError
from triage_lab.policy.kinds import suggest

_FILE = Path(__file__).with_name("columns.yaml")
CLAUSE_PREFIX = "clause_"


def read_columns(
    extra: Iterable[ContextColumn] | Mapping[str, ContextColumn] = (), *, tiers: Iterable[str] = ()
) -> dict[str, ContextColumn]:
    """Return every context column by name, in the order of ``columns.yaml``, then the lab's own.

    Parameters
    ----------
    extra : iterable of ContextColumn, or mapping by name
        Columns that operations.yaml adds under ``context:``, clause columns (``clause_column``) among them.
    tiers : iterable of str
        Names of the lab's MRR tiers; given, ``mrr_tier`` is closed to them.

    Raises
    ------
    PolicyError
        An added column has the name of one that exists.
    """
    found = dict(_shipped())
    added = extra.values() if isinstance(extra, Mapping) else extra
    for column in added:
        if column.name in found:
            raise PolicyError(
                f"the context column '{column.name}' exists already", "a new name", "rename it under context:"
            )
        found[column.name] = column
    closed = tuple(tiers)
    if closed:
        found["mrr_tier"] = replace(found["mrr_tier"], values=closed)
    return found


def clause_column(key: str, kind: ColumnKind = ColumnKind.TEXT) -> ContextColumn:
    """Return the column ``clause_<key>`` of a contract clause.

    Examples
    --------
    >>> clause_column("termination_notice_days", ColumnKind.NUMBER).name
    'clause_termination_notice_days'
    """
    source = "contract_clauses.value" if kind is ColumnKind.TEXT else "contract_clauses.value_num"
    return ContextColumn(f"{CLAUSE_PREFIX}{key}", kind, "", True, source, "valid_from", f"contract clause {key}")


def column_of(name: str, columns: Mapping[str, ContextColumn]) -> ContextColumn:
    """Return a column, or raise naming the nearest one."""
    found = columns.get(name)
    if found is None:
        raise PolicyError(f"unknown column '{name}'", suggest(name, columns, "columns"), "correct the name")
    return found


@cache
def _shipped() -> Mapping[str, ContextColumn]:
    """The columns of columns.yaml."""
    from ruamel.yaml import YAML

    raw: dict[str, dict[str, Any]] = YAML(typ="safe").load(_FILE.read_text(encoding="utf-8"))["columns"]
    return {name: _column(name, fields) for name, fields in raw.items()}


def _column(name: str, fields: dict[str, Any]) -> ContextColumn:
    """One entry of columns.yaml."""
    low, high = fields.get("low"), fields.get("high")
    return ContextColumn(
        name=name,
        kind=ColumnKind(fields["type"]),
        unit=fields["unit"],
        nullable=fields["nullable"],
        source=fields["source"],
        as_of=fields["as_of"],
        meaning=fields["meaning"],
        values=tuple(fields.get("values", ())),
        low=None if low is None else Decimal(str(low)),
        high=None if high is None else Decimal(str(high)),
    )
