"""What a query in a gate file may contain: one SELECT over the store's tables, without files, clock or chance."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from triage_lab.domain.errors import GateError
from triage_lab.domain.gate import Gate
from triage_lab.domain.tables import CANONICAL

_TABLES = frozenset(CANONICAL) | {f"{table}_rows" for table in CANONICAL} | {"loads", "rejects"}
_TABLE_FUNCTIONS = frozenset({"range", "generate_series", "unnest", "json_each"})
_TABLE_REFS = frozenset({"BASE_TABLE", "SUBQUERY", "JOIN", "TABLE_FUNCTION", "EXPRESSION_LIST", "EMPTY"})
_CLOCKS = frozenset({"current_date", "current_time", "current_timestamp", "localtime", "localtimestamp"})
_NO_FUNCTIONS = frozenset({"getenv", "current_setting", "current_query", "query", "query_table", "error"})


def vet(con: Any, gate: Gate) -> None:
    """Refuse a gate's query unless it is one SELECT that reads the store's tables and nothing else.

    Parameters
    ----------
    con : open duckdb connection
        Its parser reads the text; nothing is run.
    gate : Gate
        A gate with ``sql``.

    Raises
    ------
    GateError
        The text does not parse, is no single SELECT, names another table, a file or a table function that can
        read one, uses a parameter, or asks for the time or for chance.

    Notes
    -----
    The cutoff is given to queries as ``getvariable('cutoff')``, a TIMESTAMP.
    """
    ((answer,),) = con.execute("SELECT json_serialize_sql(CAST(? AS VARCHAR))", [gate.sql]).fetchall()
    tree = json.loads(answer)
    if tree["error"]:
        raise _refusal(gate, f"the query is refused: {' '.join(str(tree['error_message']).split())}")
    if len(tree["statements"]) != 1:
        raise _refusal(gate, f"{len(tree['statements'])} statements")
    nodes = list(_nodes(tree["statements"][0]))
    own = {str(entry["key"]).lower() for node in nodes for entry in (node.get("cte_map") or {}).get("map", ())}
    unsteady = _unsteady(con)
    for node in nodes:
        _check_source(gate, node, own)
        _check_expression(gate, node, unsteady)


def _nodes(tree: object) -> Iterator[dict[str, Any]]:
    """Every mapping of the tree, without recursion: the depth is the author's choice."""
    stack = [tree]
    while stack:
        item = stack.pop()
        if isinstance(item, dict):
            yield item
            stack.extend(item.values())
        elif isinstance(item, list):
            stack.extend(item)


def _unsteady(con: Any) -> frozenset[str]:
    """Functions whose answer depends on the time, on chance or on the session."""
    rows = con.execute(
        "SELECT DISTINCT lower(function_name) FROM duckdb_functions() "
        "WHERE stability IN ('VOLATILE', 'CONSISTENT_WITHIN_QUERY') AND function_name <> 'getvariable'"
    ).fetchall()
    return frozenset(row[0] for row in rows) | _NO_FUNCTIONS | _CLOCKS


def _check_source(gate: Gate, node: dict[str, Any], own: set[str]) -> None:
    """Refuse anything in FROM but known tables and harmless table functions."""
    kind = node.get("type")
    if "alias" in node and "sample" in node and "class" not in node and kind not in _TABLE_REFS:
        raise _refusal(gate, f"{str(kind).lower().replace('_', ' ')} in FROM")
    if kind == "BASE_TABLE":
        table = str(node.get("table_name"))
        if node.get("schema_name") or node.get("catalog_name") or table.lower() not in _TABLES | own:
            raise _refusal(gate, f"the table {table[:80]!r} is not one of the store's")
    if kind == "TABLE_FUNCTION":
        function = str((node.get("function") or {}).get("function_name"))
        if function.lower() not in _TABLE_FUNCTIONS:
            raise _refusal(gate, f"the table function {function[:80]!r}")


def _check_expression(gate: Gate, node: dict[str, Any], unsteady: frozenset[str]) -> None:
    """Refuse parameters, and functions that do not give the same answer tomorrow."""
    if node.get("class") == "PARAMETER":
        raise _refusal(gate, "a parameter")
    function = str(node.get("function_name") or "").lower()
    if function in unsteady:
        raise _refusal(gate, f"{function}(), which depends on the time, on chance or on the session")
    names = node.get("column_names")
    if isinstance(names, list) and len(names) == 1 and str(names[0]).lower() in _CLOCKS:
        raise _refusal(gate, f"{str(names[0]).lower()}, which depends on the time")


def _refusal(gate: Gate, found: str) -> GateError:
    """The error for a query."""
    return GateError(
        f"gate '{gate.gate_id}': {found}",
        "one SELECT (or WITH … SELECT) over the canonical tables",
        "read the cutoff as getvariable('cutoff'); read files with `triage-lab ingest`",
        place=gate.place,
    )
