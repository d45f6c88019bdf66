"""Which column of a file becomes which column of the target, by name, other name, or path into its JSON."""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from triage_lab.domain.errors import ExportError, Place, UsageError
from triage_lab.sources.mapping import SourceObject

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
    without case and blanks, else one that so equals an alias, the first alias first.
    """
    found = _check_given(file_columns, wanted, given or {}, place)
    taken = set(found.values())
    for target in wanted:
        if target not in found and target in file_columns and target not in taken:
            found[target] = target
            taken.add(target)
    shapes = Counter(plain(name) for name in file_columns if name not in taken)
    by_shape = {plain(name): name for name in file_columns if name not in taken and shapes[plain(name)] == 1}
    for target, aliases in wanted.items():
        free = (by_shape[shape] for shape in (target, *aliases) if shape in by_shape and by_shape[shape] not in taken)
        if target not in found and (name := next(free, "")):
            found[target] = name
            taken.add(name)
    return found


def match_object(
    file_columns: Sequence[str], item: SourceObject, given: Mapping[str, str] | None, place: Place
) -> dict[str, tuple[str, tuple[str, ...]]]:
    """Return column of an object → column of the file, and the keys of the path into its JSON (mostly none).

    Parameters
    ----------
    file_columns : sequence of str
        Names in the file.
    item : SourceObject
        The object; an alias with dots, ``via.channel``, means a column of that name or the key ``channel`` in the JSON
        of the column ``via``.
    given : mapping of str to str, optional
        Pairs from the user, which win.

    Raises
    ------
    UsageError, ExportError
        See ``match``.

    Notes
    -----
    Several columns may look into one column of the file, also into one that is read itself.
    """
    wanted = {column.name: tuple(plain(alias) for alias in column.aliases) for column in item.columns}
    found = {target: (name, ()) for target, name in match(file_columns, wanted, given, place).items()}
    paths: dict[str, tuple[str, tuple[str, ...]]] = {}
    for column in item.columns:
        for alias in column.aliases:
            ways = _paths(alias, file_columns) if "." in alias and column.name not in found else []
            for way in ways[:1]:
                paths.setdefault(column.name, way)
    return {**found, **paths}


def _paths(alias: str, file_columns: Sequence[str]) -> list[tuple[str, tuple[str, ...]]]:
    """The columns of the file that an alias with dots may look into, the longest name first."""
    shapes = Counter(plain(name) for name in file_columns)
    by_shape = {plain(name): name for name in file_columns if shapes[plain(name)] == 1}
    words = alias.split(".")
    heads = [(plain(".".join(words[:cut])), tuple(words[cut:])) for cut in range(len(words) - 1, 0, -1)]
    return [(by_shape[head], keys) for head, keys in heads if head in by_shape]


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
                f"no column '{name}' (mapped to {target})", f"one of {listed(file_columns)}",
                f"did you mean '{near}'?" if near else "correct the mapping file", place=place, column=name,
            )  # fmt: skip
    twice = [name for name, times in Counter(given.values()).items() if times > 1]
    if twice:
        raise UsageError(f"'{twice[0]}' is mapped to two columns", "each file column once", "correct the mapping file")
    return dict(given)


def listed(names: Sequence[str], most: int = 30) -> str:
    """Return names for a message, cut where there are too many."""
    shown = ", ".join(repr(name[:60]) for name in names[:most])
    return shown + (f" and {len(names) - most} more" if len(names) > most else "")


# target column: names under which other systems keep the same thing
SYNONYMS: dict[str, tuple[str, ...]] = {
    "ticket_id": ("id", "number", "case_number", "case_id", "ticket_number", "ticket_key", "issue_key", "incident_id",
                  "case_enquiry_id", "service_request_num", "service_request_number", "service_request_id",
                  "sr_number", "request_id", "sr_record_id", "call_id", "record_id"),
    "created_at": ("opened_at", "created", "created_date", "createdate", "created_time", "opened", "open_date",
                   "submitted_at", "requested_datetime", "open_dt", "created_on",
                   "creation_date", "date_created", "arrival_time", "arrived_at", "call_time", "start_time",
                   "call_started", "started_at", "call_start"),
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
