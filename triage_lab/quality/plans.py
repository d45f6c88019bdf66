"""A gate as SQL: what is looked at, what offends, what is listed. Both runners work from these plans.

Every listing has the columns ``key``, ``"column"`` and ``value``, all text. Statements read the views (``tickets``) and
so see the store as of the session variable ``as_of_load``; only ``unique`` reads ``T_rows``, where copies are kept.
"""

# SQL is put together from typed gates, checked names and quoted literals; see sqltext.
# ruff: noqa: S608
from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from triage_lab.domain.gate import Gate
from triage_lab.domain.tables import CANONICAL
from triage_lab.quality.events import event_order, lookahead, no_overlap, one_owner
from triage_lab.quality.scalars import scalar_sql
from triage_lab.quality.sqltext import key_text, name, number, text, timestamp
from triage_lab.quality.supply import channel_coverage, heartbeat, sla_flag


@dataclass(frozen=True, slots=True)
class Scan:
    """A condition on single rows of the gate's table; all scans of a table are counted in one pass.

    ``looked_at`` is the aggregate that counts the rows judged; ``offends`` is true for offenders, and false or NULL for
    all others; ``value`` is what is listed of ``column``.
    """

    gate: Gate
    looked_at: str
    offends: str
    column: str
    value: str


@dataclass(frozen=True, slots=True)
class Listing:
    """A query that returns the offenders.

    ``looked_at`` counts the rows it judged; ``needs`` is a table it compares with, which must not be empty.
    """

    gate: Gate
    looked_at: str
    offenders: str
    needs: str | None = None


@dataclass(frozen=True, slots=True)
class Scalar:
    """A query for one row: value DOUBLE, n BIGINT."""

    gate: Gate
    sql: str


Plan = Scan | Listing | Scalar
_VISIBLE = "load_id <= coalesce(getvariable('as_of_load'), 2147483647)"


def make_plan(gate: Gate, *, cutoff: int, columns: Sequence[str] = ()) -> Plan:
    """Return the plan of a gate.

    Parameters
    ----------
    gate : Gate
    cutoff : int
        UTC epoch seconds.
    columns : sequence of str
        The columns that a query of one's own returns; only for ``check: sql``.
    """
    if gate.check == "sql":
        return _own_query(gate, columns)
    if gate.kind == "scalar":
        return Scalar(gate, scalar_sql(gate, cutoff))
    return _ROWS[gate.check](gate, cutoff)


def described(gate: Gate) -> str:
    """Return the statement that names the columns of a query of one's own."""
    return f"DESCRIBE SELECT * FROM {_own_text(gate)}"


def _own_text(gate: Gate) -> str:
    """A query of one's own in brackets, on lines of its own: it may end in a line comment."""
    return f"(\n{(gate.sql or '').strip().rstrip(';')}\n)"


def listing_sql(plan: Scan | Listing) -> str:
    """Return the query for all offenders of a rows gate: key, "column", value."""
    if isinstance(plan, Listing):
        return plan.offenders
    return (
        f'SELECT {key_text(plan.gate.keys, "t")} AS key, {text(plan.column)} AS "column", {plan.value} AS value '
        f"FROM {plan.gate.table} AS t WHERE {plan.offends}"
    )


def context_sql(plan: Scan | Listing) -> str:
    """Return the query for one row: rows of the table, rows looked at, whether the compared table has rows (1 or 0)."""
    if isinstance(plan, Scan):
        return f"SELECT count(*) AS total, {plan.looked_at} AS n, 1 AS ready FROM {plan.gate.table} AS t"
    ready = f"CAST(EXISTS (SELECT 1 FROM {plan.needs}) AS INTEGER)" if plan.needs else "1"
    return f"SELECT (SELECT count(*) FROM {plan.gate.table}) AS total, ({plan.looked_at}) AS n, {ready} AS ready"


def counts_sql(plan: Listing) -> str:
    """Return the query for one row: that of `context_sql`, and the number of offenders."""
    return f"{context_sql(plan)}, (SELECT count(*) FROM ({plan.offenders})) AS failed"


def scan_sql(plans: Sequence[Scan]) -> str:
    """Return one statement that counts several scans of one table: total, then n and failed of each."""
    counts = ["count(*)"]
    for plan in plans:
        counts.append(plan.looked_at)
        counts.append(f"count(*) FILTER ({plan.offends})")
    return f"SELECT {', '.join(counts)} FROM {plans[0].gate.table} AS t"


def newest_rows(gate: Gate) -> str:
    """Return the query for the rows of each key's newest load, copies included: the key's columns of ``T_rows``."""
    rows, keys = f"{gate.table}_rows", unique_columns(gate)
    listed = ", ".join(f"t.{name(key)}" for key in keys)
    same = " AND ".join(f"newer.{name(key)} IS NOT DISTINCT FROM t.{name(key)}" for key in keys)
    newest = f"(SELECT max(load_id) FROM {rows} WHERE {_VISIBLE})"
    # Nothing is newer than the newest load, and nothing older than the second: most rows need no comparison.
    return (
        f"SELECT {listed} FROM {rows} AS t WHERE t.load_id = {newest} UNION ALL "
        f"SELECT {listed} FROM {rows} AS t ANTI JOIN {_newer(gate)} AS newer "
        f"ON {same} AND newer.load_id > t.load_id WHERE t.load_id < {newest}"
    )


def _newer(gate: Gate) -> str:
    """The visible rows of a table that can be newer than another row: those of the second load and later."""
    rows, listed = f"{gate.table}_rows", ", ".join(name(key) for key in unique_columns(gate))
    return f"(SELECT {listed}, load_id FROM {rows} WHERE {_VISIBLE} AND load_id > (SELECT min(load_id) FROM {rows}))"


def _copies(gate: Gate) -> str:
    """The query for values that occur more than once: the columns, copies, and load_id where the columns are the key.

    A key that a newer load repeats once is settled; other columns are judged on the rows in force. Rows without any
    value in the columns are not looked at.
    """
    keys = unique_columns(gate)
    listed = ", ".join(name(key) for key in keys)
    some = " OR ".join(f"{name(key)} IS NOT NULL" for key in keys)
    if not is_table_key(gate):
        return (
            f"SELECT {listed}, count(*) AS copies FROM {gate.table} WHERE {some} GROUP BY {listed} HAVING count(*) > 1"
        )
    rows = f"{gate.table}_rows"
    same = " AND ".join(f"newer.{name(key)} IS NOT DISTINCT FROM d.{name(key)}" for key in keys)
    return (
        f"SELECT d.* FROM (SELECT {listed}, load_id, count(*) AS copies FROM {rows} WHERE {_VISIBLE} AND ({some}) "
        f"GROUP BY {listed}, load_id HAVING count(*) > 1) AS d "
        f"ANTI JOIN {_newer(gate)} AS newer ON {same} AND newer.load_id > d.load_id"
    )


def is_table_key(gate: Gate) -> bool:
    """Whether a uniqueness gate is about the table's own key, whose copies only ``T_rows`` keeps."""
    return set(unique_columns(gate)) == set(CANONICAL[gate.table].key)


def unique_columns(gate: Gate) -> tuple[str, ...]:
    """The columns that must be unique."""
    columns = gate.params.get("columns", gate.keys)
    return tuple(str(column) for column in columns) if isinstance(columns, Sequence) else ()


def _own_query(gate: Gate, columns: Sequence[str]) -> Plan:
    """A query written by the user, already vetted; without ``n`` it counts as having looked at the whole table."""
    table = f"SELECT count(*) FROM {gate.table}"
    query = f"{_own_text(gate)} AS q"
    if gate.kind == "scalar":
        n = "CAST(q.n AS BIGINT)" if "n" in columns else f"({table})"
        return Scalar(gate, f"SELECT CAST(q.value AS DOUBLE) AS value, {n} AS n FROM {query}")
    column = 'CAST(q."column" AS VARCHAR)' if "column" in columns else "NULL"
    value = "CAST(q.value AS VARCHAR)" if "value" in columns else "NULL"
    listed = f'SELECT {key_text(gate.keys, "q")} AS key, {column} AS "column", {value} AS value FROM {query}'
    return Listing(gate, table, listed)


def _column(gate: Gate, param: str = "column") -> tuple[str, str]:
    """A column parameter: its plain name and its expression."""
    plain = str(gate.params[param])
    return plain, f"t.{name(plain)}"


def _not_null(gate: Gate, _cutoff: int) -> Plan:
    """Rows without a value."""
    plain, column = _column(gate)
    return Scan(gate, "count(*)", f"{column} IS NULL", plain, "CAST(NULL AS VARCHAR)")


def _order(gate: Gate, _cutoff: int) -> Plan:
    """Rows whose later time or number is below the earlier one."""
    (_, earlier), (plain, later) = _column(gate, "earlier"), _column(gate, "later")
    known = f"count(*) FILTER ({earlier} IS NOT NULL AND {later} IS NOT NULL)"
    return Scan(gate, known, f"{later} < {earlier}", plain, f"CAST({later} AS VARCHAR)")


def _on_known(gate: Gate, offends: Callable[[str], str]) -> Plan:
    """A condition on the values of one column; rows without a value are not looked at."""
    plain, column = _column(gate)
    return Scan(gate, f"count({column})", offends(column), plain, f"CAST({column} AS VARCHAR)")


def _allowed_values(gate: Gate, _cutoff: int) -> Plan:
    """Values outside the list."""
    values = gate.params["values"]
    listed = ", ".join(text(str(value)) for value in (values if isinstance(values, Sequence) else ()))
    return _on_known(gate, lambda column: f"{column} NOT IN ({listed})")


def _range(gate: Gate, _cutoff: int) -> Plan:
    """Values outside the bounds; NaN is above every number."""

    def offends(column: str) -> str:
        """The condition on the sides that are bounded."""
        sides = [f"{column} < {number(gate.low)}"] if gate.low is not None else []
        sides += [f"{column} > {number(gate.high)}"] if gate.high is not None else []
        return " OR ".join(sides)

    return _on_known(gate, offends)


def _no_nan(gate: Gate, _cutoff: int) -> Plan:
    """Values that are NaN or infinite."""
    return _on_known(gate, lambda column: f"NOT isfinite({column})")


def _not_after_cutoff(gate: Gate, cutoff: int) -> Plan:
    """Times after the cutoff's second."""
    # Times are floored to the second everywhere else, so the cutoff's own second belongs to the data.
    return _on_known(gate, lambda column: f"{column} >= {timestamp(cutoff + 1)}")


def _pattern(gate: Gate, _cutoff: int) -> Plan:
    """Values without a match of the expression, or with one."""
    negation = "" if gate.params.get("absent") else "NOT "
    return _on_known(gate, lambda column: f"{negation}regexp_matches({column}, {text(str(gate.params['regex']))})")


def _unique(gate: Gate, _cutoff: int) -> Plan:
    """Every row of a value that occurs more than once."""
    columns = unique_columns(gate)
    same = " AND ".join(f"t.{name(key)} IS NOT DISTINCT FROM d.{name(key)}" for key in columns)
    some = " OR ".join(f"{name(key)} IS NOT NULL" for key in columns)
    copies, looked_at = _copies(gate), f"SELECT count(*) FROM {gate.table} WHERE {some}"
    rows, value = gate.table, key_text(columns, "t")
    if is_table_key(gate):
        # The view shows one row a key: the copies beyond it are added.
        looked_at = f"SELECT ({looked_at}) + coalesce(CAST(sum(copies - 1) AS BIGINT), 0) FROM ({copies})"
        rows, value = f"{gate.table}_rows", "'load ' || t.load_id || ' row ' || t.row_no"
        same += " AND t.load_id = d.load_id"
    offenders = (
        f'SELECT {key_text(gate.keys, "t")} AS key, {text(", ".join(columns))} AS "column", {value} AS value '
        f"FROM {rows} AS t SEMI JOIN ({copies}) AS d ON {same}"
    )
    return Listing(gate, looked_at, offenders)


def _foreign_key(gate: Gate, _cutoff: int) -> Plan:
    """Values that the other table lacks."""
    plain, column = _column(gate)
    other, _, other_column = str(gate.params["references"]).partition(".")
    offenders = (
        f'SELECT {key_text(gate.keys, "t")} AS key, {text(plain)} AS "column", CAST({column} AS VARCHAR) AS value '
        f"FROM {gate.table} AS t ANTI JOIN {other} AS o ON {column} = o.{name(other_column)} WHERE {column} IS NOT NULL"
    )
    return Listing(gate, f"SELECT count({column}) FROM {gate.table} AS t", offenders, needs=other)


def _repeats(gate: Gate, _cutoff: int) -> Plan:
    """Later rows of a value, unless they are declared to be repeats."""
    plain, column = _column(gate)
    free = f"{column} IS NOT NULL"
    if "unless" in gate.params:
        free += f" AND {_column(gate, 'unless')[1]} IS NULL"
    order = ", ".join(f"t.{name(key)}" for key in gate.keys)
    offenders = (
        f'SELECT {key_text(gate.keys, "t")} AS key, {text(plain)} AS "column", CAST({column} AS VARCHAR) AS value '
        f"FROM {gate.table} AS t SEMI JOIN (SELECT {column} AS repeated FROM {gate.table} AS t WHERE {free} "
        f"GROUP BY ALL HAVING count(*) > 1) AS d ON {column} = d.repeated WHERE {free} "
        f"QUALIFY row_number() OVER (PARTITION BY {column} ORDER BY {order}) > 1"
    )
    return Listing(gate, f"SELECT count({column}) FROM {gate.table} AS t", offenders)


def _listing(build: Callable[[Gate], tuple[str, str, str | None]]) -> Callable[[Gate, int], Plan]:
    """The plan of a check that is written as one query."""

    def make(gate: Gate, _cutoff: int) -> Plan:
        """The plan of one gate."""
        looked_at, offenders, needs = build(gate)
        return Listing(gate, looked_at, offenders, needs)

    return make


def _by_cutoff(build: Callable[[Gate, int], tuple[str, str, str | None]]) -> Callable[[Gate, int], Plan]:
    """The plan of a check that is written as one query and looks at what was known by the cutoff."""

    def make(gate: Gate, cutoff: int) -> Plan:
        """The plan of one gate."""
        looked_at, offenders, needs = build(gate, cutoff)
        return Listing(gate, looked_at, offenders, needs)

    return make


_ROWS: dict[str, Callable[[Gate, int], Plan]] = {
    "not_null": _not_null,
    "unique": _unique,
    "foreign_key": _foreign_key,
    "order": _order,
    "allowed_values": _allowed_values,
    "range": _range,
    "no_nan": _no_nan,
    "not_after_cutoff": _not_after_cutoff,
    "pattern": _pattern,
    "repeats": _repeats,
    "no_overlap": _listing(no_overlap),
    "event_order": _listing(event_order),
    "one_owner": _listing(one_owner),
    "lookahead": _listing(lookahead),
    "channel_coverage": _by_cutoff(channel_coverage),
    "heartbeat": _by_cutoff(heartbeat),
    "sla_flag": _by_cutoff(sla_flag),
}
