"""The slow twin of the policy room: conditions by SQLite, decisions by reading the contract line by line.

It shares no code with the package but the typed form and its text: SQLite evaluates the conditions (an engine with
its own three-valued logic), and the evaluation order is written out once more, ticket by ticket.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from datetime import date
from decimal import Decimal

from triage_lab.domain.desk import ColumnKind
from triage_lab.domain.policy import Policy
from triage_lab.domain.predicate import Column, Predicate, walk
from triage_lab.policy import bind, predicate_text

_TYPES = {ColumnKind.TEXT: "TEXT", ColumnKind.DATE: "TEXT", ColumnKind.BOOLEAN: "INTEGER"}


def sqlite_truth(predicate: Predicate, ticket: Mapping[str, object]) -> bool | None:
    """Evaluate a bound condition for one ticket in SQLite."""
    kinds = {node.name: node.kind for node in walk(predicate) if isinstance(node, Column)}
    connection = sqlite3.connect(":memory:")
    try:
        connection.execute("PRAGMA case_sensitive_like = ON")
        connection.create_function("contains", 2, lambda a, b: None if a is None else int(b in a))
        connection.create_function("lower", 1, lambda a: None if a is None else a.lower())
        columns = ", ".join(f'"{name}" {_TYPES.get(kind, "REAL")}' for name, kind in kinds.items())
        connection.execute(f"CREATE TABLE t (:row INTEGER{', ' if columns else ''}{columns})".replace(":row", '"row"'))
        values = [_stored(ticket.get(name)) for name in kinds]
        marks = ", ".join("?" * (len(values) + 1))
        connection.execute(f"INSERT INTO t VALUES ({marks})", [0, *values])
        found = connection.execute(f"SELECT ({predicate_text(predicate)}) FROM t").fetchone()[0]
    finally:
        connection.close()
    return None if found is None else bool(found)


def _stored(value: object) -> object:
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int | Decimal):
        return float(value)
    return value.isoformat() if isinstance(value, date) else value


def naive_truths(policy: Policy, ticket: Mapping[str, object], day: date) -> dict[str, bool | None]:
    """Every item's value for one ticket."""
    found: dict[str, bool | None] = {}
    for item in policy.items:
        if (item.valid_from and day < item.valid_from) or (item.valid_to and day >= item.valid_to):
            found[item.item_id] = False
            continue
        values = {}
        for name, param in policy.params.items():
            started = [v for v in param.values if v.valid_from is None or v.valid_from <= day]
            values[name] = started[-1].value if started else None
        found[item.item_id] = sqlite_truth(bind(item.when, values, policy.sets), ticket)
    return found


def naive_decide(policy: Policy, truths: Mapping[str, bool | None], ticket: Mapping[str, object]) -> tuple[str, ...]:
    """Return (rule id, overridden id or '', outcome, owner) of one ticket; manual triage owns as ``triage``."""
    requires = {rule.item_id: rule.requires for rule in policy.rules} | {"default": policy.default.requires}
    routes = {item.item_id: item.then.route for item in policy.items} | {"default": policy.default.then.route}
    lacking = {name: any(ticket.get(column) is None for column in columns) for name, columns in requires.items()}
    hits = [
        rule.item_id
        for rule in policy.rules
        if truths[rule.item_id] is True or (truths[rule.item_id] is None and lacking[rule.item_id])
    ]
    winner = hits[0] if hits else "default"
    for override in policy.overrides:
        if winner not in override.overrides and "*" not in override.overrides:
            continue
        if truths[override.item_id] is True:
            return override.item_id, winner, "override", str(routes[override.item_id])
        if truths[override.item_id] is None and override.on_unknown == "manual_triage":
            return override.item_id, winner, "manual_unknown", "triage"
    if lacking[winner]:
        return winner, "", "manual_requires", "triage"
    return winner, "", "default" if winner == "default" else "rule", str(routes[winner])
