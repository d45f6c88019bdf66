"""Which column of a file becomes which column of the target; and which target fits a file that does not."""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from triage_lab.domain.errors import ExportError, Place, UsageError
from triage_lab.domain.tables import CANONICAL, Table
from triage_lab.sources.mapping import Mapping as Source
from triage_lab.sources.mapping import list_sources, read_mapping

# between words that only capitals part: createdDate, SRRecord
_WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def plain(name: str) -> str:
    """Return a column name in lower case with one underscore between its words, for comparison.

    Examples
    --------
    >>> plain(" Assignment Group"), plain("CreatedDate"), plain("SRRecordID")
    ('assignment_group', 'created_date', 'sr_record_id')
    """
    return "_".join(_WORDS.sub(" ", name).lower().replace("-", " ").replace("_", " ").split())


def nearest(name: str, known: Iterable[str]) -> str:
    """Return the known name most like this one, or an empty text."""
    by_plain = {plain(other): other for other in known}
    near = difflib.get_close_matches(plain(name), by_plain, n=1, cutoff=0.6)
    return by_plain[near[0]] if near else ""


def match(
    file_columns: Sequence[str], wanted: Mapping[str, Sequence[str]], given: Mapping[str, str] | None, place: Place
) -> dict[str, str]:
    """Return target column → file column.

    Parameters
    ----------
    file_columns : sequence of str
        Names in the file.
    wanted : mapping of str to sequence of str
        Target column to its other names.
    given : mapping of str to str, optional
        Pairs from the user (target column to file column); they win, and each file column serves one target only.

    Raises
    ------
    UsageError
        A given target column does not exist, or one file column is given for two targets.
    ExportError
        A given file column is not in the file.

    Notes
    -----
    Without a pair from the user a target takes the column of its exact name, else the only one that equals its name
    or an alias without case and blanks.
    """
    found = _check_given(file_columns, wanted, given or {}, place)
    taken = set(found.values())
    for target in wanted:
        if target not in found and target in file_columns and target not in taken:
            found[target] = target
            taken.add(target)
    shapes = Counter(plain(name) for name in file_columns if name not in taken)
    for target, aliases in wanted.items():
        for name in file_columns:
            shape = plain(name)
            if target in found or name in taken or shapes[shape] > 1:
                continue
            if shape == target or shape in aliases:
                found[target] = name
                taken.add(name)
    return found


def _check_given(
    file_columns: Sequence[str], wanted: Mapping[str, Sequence[str]], given: Mapping[str, str], place: Place
) -> dict[str, str]:
    """The user's pairs, checked against both sides."""
    for target, name in given.items():
        if target not in wanted:
            near = nearest(target, wanted)
            raise UsageError(
                f"no column '{target}' to map to", f"one of {', '.join(wanted)}",
                f"did you mean {near}?" if near else "correct the mapping file", column=target,
            )  # fmt: skip
        if name not in file_columns:
            near = nearest(name, file_columns)
            raise ExportError(
                f"no column '{name}' (mapped to {target})", f"one of {_list(file_columns)}",
                f"did you mean '{near}'?" if near else "correct the mapping file", place=place, column=name,
            )  # fmt: skip
    twice = [name for name, times in Counter(given.values()).items() if times > 1]
    if twice:
        raise UsageError(f"'{twice[0]}' is mapped to two columns", "each file column once", "correct the mapping file")
    return dict(given)


def _list(names: Sequence[str], most: int = 30) -> str:
    """Names for a message, cut where there are too many."""
    shown = ", ".join(repr(name[:60]) for name in names[:most])
    return shown + (f" and {len(names) - most} more" if len(names) > most else "")


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
    if fit in list_sources():
        action = f"this looks like {fit}: use --source {fit}"
    raise ExportError(
        f"{_missing(missing)}; the file has {_list(file_columns)}", f"the columns {', '.join(_required(table))}",
        action, place=place, missing=tuple(missing), nearest=near,
    )  # fmt: skip


def require_source(source: Source, file_columns: Sequence[str], found: Mapping[str, str], place: Place) -> None:
    """Refuse a file that lacks a required column of a source.

    Raises
    ------
    ExportError
        With the missing columns and the source or table that fits the file best.
    """
    missing = [name for name in source.required if name not in found]
    if not missing:
        return
    fit = best_fit(file_columns)
    if fit in list_sources() and fit != source.name:
        action = f"this looks like {fit}: use --source {fit}"
    elif fit in CANONICAL:
        action = f"this looks like the table {fit}: use --table {fit}"
    else:
        action = f"check that this is an export of {source.name}, or use --table with --propose"
    raise ExportError(
        f"{_missing(missing)} of {source.name}; the file has {_list(file_columns)}",
        f"the columns {', '.join(source.required)}", action, place=place, missing=tuple(missing), fit=fit,
    )  # fmt: skip


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
    scores: list[tuple[int, str]] = []
    for name in list_sources():
        columns = read_mapping(name).columns
        hits = {column.name for column in columns if names & {column.name, *column.aliases}}
        if hits.issuperset(read_mapping(name).required):
            scores.append((len(hits), name))
    for name, table in CANONICAL.items():
        if names.issuperset(_required(table)):
            scores.append((sum(column.name in names for column in table.columns), name))
    return max(scores, default=(0, ""), key=lambda score: score[0])[1]


# target column: names under which other systems keep the same thing
SYNONYMS: dict[str, tuple[str, ...]] = {
    "ticket_id": ("id", "number", "case_number", "case_id", "ticket_number", "ticket_key", "issue_key", "incident_id",
                  "case_enquiry_id", "service_request_num", "service_request_number", "service_request_id",
                  "sr_number", "request_id", "sr_record_id", "call_id", "record_id"),
    "created_at": ("opened_at", "created", "created_date", "createdate", "created_time", "opened", "open_date",
                   "submitted_at", "requested_datetime", "open_dt", "created_on",
                   "creation_date", "date_created", "arrival_time", "arrived_at", "call_time", "start_time"),
    "account_id": ("organization_id", "company_id", "customer_id", "customer", "company", "accountid", "client_id"),
    "category": ("case_type", "topic", "reason", "request_type", "sr_type"),
    "subcategory": ("sub_category", "subtopic"),
    "product_module": ("product", "module", "component", "service"),
    "channel": ("via_channel", "contact_type", "origin", "source_channel", "method_received"),
    "inbox": ("mailbox", "queue", "email_config_id", "brand_id"),
    "language": ("locale", "lang"),
    "type": ("ticket_type", "issue_type"),
    "priority_at_creation": ("priority", "initial_priority", "severity"),
    "first_team_id": ("assignment_group", "group_id", "team", "team_id", "group", "department", "agency"),
    "resolver_team_id": ("resolved_by_team", "resolver_group", "resolution_group"),
    "first_action_at": ("first_response_at", "first_reply_at", "first_responded_at", "first_agent_reply_date"),
    "resolved_at": ("solved_at", "resolution_date", "resolutiondate", "resolved"),
    "closed_at": ("closed_date", "closed", "close_date", "closed_dt"),
    "due_at": ("due_date", "due_by", "duedate", "sla_target_dt", "due"),
    "sla_met": ("made_sla", "sla_ok", "on_time", "ontime"),
    "reassignment_count": ("reassignments", "group_stations"),
    "handle_minutes": ("handle_time", "touch_time", "time_spent"),
    "subject": ("title", "summary", "short_description", "name"),
    "body": ("description", "text", "content", "message"),
    "event_id": ("id", "audit_id"),
    "at": ("timestamp", "created_at", "sys_updated_at", "time", "event_time"),
    "kind": ("event", "event_type", "action"),
    "old_value": ("previous_value", "from_value", "oldvalue"),
    "new_value": ("to_value", "value", "newvalue"),
    "actor_id": ("author_id", "user_id", "sys_updated_by"),
    "issued_at": ("date", "invoice_date", "created", "created_at"),
    "paid_at": ("paid", "payment_date"),
    "mrr_minor": ("mrr",),
    "valid_from": ("effective_from", "start_date", "from"),
    "valid_to": ("effective_to", "end_date", "to"),
    "received_at": ("created_at", "timestamp", "received"),
    "tier": ("account_tier", "plan", "segment"),
    "name": ("account_name", "company_name"),
}  # fmt: skip


def suggestion(target: str, names: Sequence[str]) -> str:
    """Return the name that most likely means the target column, by synonym first, then by spelling."""
    by_plain = {plain(name): name for name in reversed(names)}
    for synonym in SYNONYMS.get(target, ()):
        if synonym in by_plain:
            return by_plain[synonym]
    return nearest(target, names)
