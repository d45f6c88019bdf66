"""The built-in checks: what each demands, of which tables, with which parameters."""

from __future__ import annotations

from dataclasses import dataclass

from triage_lab.domain.tables import DATED, Kind

_NUMBERS = frozenset({Kind.INTEGER, Kind.DOUBLE})
_ORDERED = frozenset({Kind.TIMESTAMP, Kind.DATE, Kind.INTEGER, Kind.DOUBLE})
_TEXT = frozenset({Kind.TEXT})
_TIME = frozenset({Kind.TIMESTAMP})
_DOUBLE = frozenset({Kind.DOUBLE})


@dataclass(frozen=True, slots=True)
class Param:
    """One parameter of a check.

    ``shape``: ``column`` or ``columns`` of the gate's table (with a storage type in ``kinds``, if any are named),
    ``reference`` (``table.column``), ``texts``, ``text``, ``flag`` or ``count`` (a whole number from 1).
    """

    name: str
    shape: str
    required: bool = True
    kinds: frozenset[Kind] = frozenset()


@dataclass(frozen=True, slots=True)
class Check:
    """One built-in check.

    ``kind``: ``rows`` or ``scalar``. ``tables``: where it makes sense; empty means every table. ``bounded``: it needs
    ``low``, ``high`` or both. ``least``: with fewer points than this it is skipped whatever ``min_n`` says.
    """

    kind: str
    meaning: str
    params: tuple[Param, ...] = ()
    tables: frozenset[str] = frozenset()
    bounded: bool = False
    least: int = 1


CHECKS: dict[str, Check] = {
    "not_null": Check("rows", "the column has a value in every row", (Param("column", "column"),)),
    "unique": Check(
        "rows",
        "no two rows of a key's newest load share the columns (default: the table's key); lists every copy",
        (Param("columns", "columns", required=False),),
    ),
    "foreign_key": Check(
        "rows",
        "every value occurs in another table's column",
        (Param("column", "column"), Param("references", "reference")),
    ),
    "order": Check(
        "rows",
        "`later` is not before `earlier` where both are known",
        (Param("earlier", "column", kinds=_ORDERED), Param("later", "column", kinds=_ORDERED)),
    ),
    "allowed_values": Check(
        "rows", "every value is in the list", (Param("column", "column", kinds=_TEXT), Param("values", "texts"))
    ),
    "range": Check(
        "rows", "every value lies from `low` to `high`", (Param("column", "column", kinds=_NUMBERS),), bounded=True
    ),
    "no_nan": Check("rows", "no value is NaN or infinite", (Param("column", "column", kinds=_DOUBLE),)),
    "not_after_cutoff": Check(
        "rows", "no time lies after the data's cutoff", (Param("column", "column", kinds=_TIME),)
    ),
    "pattern": Check(
        "rows",
        "every value contains a match of the regular expression (`absent: true`: none does)",
        (
            Param("column", "column", kinds=_TEXT),
            Param("regex", "text"),
            Param("absent", "flag", required=False),
        ),
    ),
    "repeats": Check(
        "rows",
        "a value occurs once; later rows with it are listed unless their `unless` column is filled",
        (Param("column", "column"), Param("unless", "column", required=False)),
    ),
    "no_overlap": Check(
        "rows", "validity spans of one thing do not overlap; lists the span that begins too early", tables=DATED
    ),
    "event_order": Check(
        "rows",
        "no event lies before its ticket was created; where seq numbers a ticket's events, time never runs backwards",
        tables=frozenset({"ticket_events"}),
    ),
    "one_owner": Check(
        "rows",
        "from the first assignment on a ticket has exactly one owning team at every instant",
        tables=frozenset({"tickets"}),
    ),
    "lookahead": Check(
        "rows",
        "nothing comes from the future: in enrichment_log no value is newer than its look-up; in tickets the account's "
        "facts do not all begin after the ticket",
        tables=frozenset({"enrichment_log", "tickets"}),
    ),
    "enrichment_coverage": Check(
        "scalar",
        "share of tickets looked up for a field that got a value (hit or stale) from the source, or from any",
        (Param("field", "text"), Param("source", "text", required=False)),
        tables=frozenset({"enrichment_log"}),
        bounded=True,
    ),
    "channel_coverage": Check(
        "rows",
        "every inbox that operations.yaml declares is named by a signal or a ticket (with `days`: in the last days)",
        (Param("inboxes", "texts", required=False), Param("days", "count", required=False)),
        tables=frozenset({"signals"}),
    ),
    "heartbeat": Check(
        "rows",
        "no hour in which too few look-ups succeed: an alert begins under `low` beyond chance (upper 95 % bound) and "
        "ends over `high`; hours with fewer than `least` (default 20) tickets and fields are not judged",
        (Param("field", "text", required=False), Param("least", "count", required=False)),
        tables=frozenset({"enrichment_log"}),
        bounded=True,
    ),
    "staleness": Check(
        "scalar",
        "share of answers that are marked stale or older than `hours` when they were given",
        (Param("field", "text", required=False), Param("hours", "count", required=False)),
        tables=frozenset({"enrichment_log"}),
        bounded=True,
    ),
    "sla_flag": Check(
        "rows",
        "the vendor's SLA flag agrees with the ticket's own dates, where it has both",
        tables=frozenset({"tickets"}),
    ),
    "volume": Check(
        "scalar",
        "robust z of the most unusual of the last complete days against the median of its weekday on the days before",
        (Param("column", "column", kinds=_TIME), Param("days", "count", required=False)),
        bounded=True,
        least=14,
    ),
    "row_count": Check("scalar", "number of rows", bounded=True),
    "freshness": Check(
        "scalar",
        "hours from the newest time in the column to the cutoff",
        (Param("column", "column", kinds=_TIME),),
        bounded=True,
    ),
    "sql": Check("rows", "one SELECT of your own: the offending rows, or one row with `value` (and `n`)"),
}
OCCASIONS = ("ingest", "daily", "weekly", "launch")
