"""Why a ticket went where it went: rules, values, near misses, and what happened to it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import polars as pl

from triage_lab import policy, store
from triage_lab.domain.desk import ContextColumn
from triage_lab.domain.errors import StoreError
from triage_lab.lab.arms import local_day
from triage_lab.lab.config import Config
from triage_lab.lab.policies import load_operations, load_policy, manual_triage
from triage_lab.lab.scope import iso
from triage_lab.lab.snapshot import Snapshot, read_snapshot


@dataclass(frozen=True, slots=True)
class Line:
    """One item of the policy for this ticket: true, false or unknown, and why; ``decides`` if it decided."""

    item_id: str
    kind: str
    when: str
    truth: str
    why: str
    decides: bool


@dataclass(frozen=True, slots=True)
class Value:
    """A value that the rules read: from which source, known since when, how old at arrival."""

    column: str
    value: str
    source: str
    as_of: str
    age: str


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to the ticket in an arm; ``at`` is ISO 8601 UTC text."""

    at: str
    arm: str
    what: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """The trail of one ticket; ``notices`` say what has changed since the run whose timeline is shown."""

    ticket_id: str
    arrived_at: str
    policy: str
    policy_digest: str
    sentence: str
    outcome: str
    rule_id: str
    overridden_rule_id: str | None
    owner_team: str
    actions: str
    lines: tuple[Line, ...]
    near_misses: tuple[str, ...]
    values: tuple[Value, ...]
    timeline: tuple[Event, ...]
    notices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Shown:
    """The run whose records are shown: its id, its candidate, its data, and what it decided for the ticket."""

    run_id: str
    name: str
    digest: str
    data_digest: str
    decided: str


def explain(config: Config, ticket: str, *, run: str | None = None, policy: str | None = None) -> Explanation:
    """Explain a ticket under a policy, or under the candidate of a run (default: the newest).

    Raises
    ------
    StoreError
        No such ticket, or no run to explain and no policy named.
    """
    operations = load_operations(config)
    with store.open_store(config.database, write=False) as con:
        snapshot = read_snapshot(con, config, operations)
        row = _row(snapshot, ticket)
        shown = _run(con, run, policy, ticket)
        looked_up = _lookups(snapshot, row)
        timeline = _timeline(con, shown.run_id if shown else None, ticket)
    parsed = load_policy(config, policy or (shown.name if shown else ""), operations)
    if shown is not None and policy is not None and _digest(parsed) != shown.digest:
        # what another policy would have led to is not known without a backtest
        timeline = tuple(event for event in timeline if event.arm != "candidate")
    context = snapshot.context.row(row, named=True)
    trace = _interpret(config, parsed, context, manual_triage(operations))
    lines = tuple(
        Line(item.item_id, item.kind, item.when, item.truth, item.why, item.item_id == trace.rule_id)
        for item in trace.items
    )
    return Explanation(
        ticket_id=ticket,
        arrived_at=iso(int(context["arrived_at"])),
        policy=f"{parsed.name} {parsed.version}",
        policy_digest=_digest(parsed),
        sentence=_sentence(trace),
        outcome=str(trace.outcome),
        rule_id=trace.rule_id,
        overridden_rule_id=trace.overridden_rule_id,
        owner_team=trace.owner_team,
        actions=trace.actions,
        lines=lines,
        near_misses=tuple(trace.near_misses),
        values=tuple(_values(trace, context, snapshot.columns, looked_up)),
        timeline=timeline,
        notices=tuple(_notices(shown, parsed, snapshot, policy)),
    )


def _notices(shown: _Shown | None, parsed: Any, snapshot: Snapshot, named: str | None) -> list[str]:
    """What is not as it was in the run that is shown."""
    if shown is None:
        return []
    out = []
    if _digest(parsed) != shown.digest:
        if named is None:
            out.append(f"the policy {shown.name} has changed since run {shown.run_id}; the run decided {shown.decided}")
        else:
            out.append(f"run {shown.run_id} replayed {shown.name} as it was then: its candidate is not shown")
    if snapshot.data_digest != shown.data_digest:
        out.append(f"data were loaded since run {shown.run_id}; the values are those known now")
    return out


def _interpret(config: Config, parsed: Any, context: dict[str, Any], manual: str) -> Any:
    """Run the reference interpreter on one ticket."""
    day = local_day(int(context["arrived_at"]), config.timezone)
    return policy.interpret(parsed, context, arrived_on=day, manual_triage_team=manual)


def _digest(parsed: Any) -> str:
    """The policy's digest."""
    return policy.policy_digest(parsed)


def _row(snapshot: Snapshot, ticket: str) -> int:
    """The ticket's row in the snapshot."""
    found = snapshot.context.with_row_index("row").filter(pl.col("ticket_id") == ticket)
    if found.is_empty():
        example = snapshot.context["ticket_id"][0]
        raise StoreError(f"no ticket '{ticket[:80]}'", f"a ticket id of this lab, e.g. {example}", "check the id")
    return int(found["row"][0])


def _run(con: Any, run: str | None, named: str | None, ticket: str) -> _Shown | None:
    """The run whose records are shown; None if there is none and a policy is named."""
    import json

    runs = store.list_runs(con)
    if run is None and runs.is_empty():
        if named is None:
            raise StoreError(
                "no run is recorded yet", "a run, or --policy NAME", "triage-lab explain TICKET --policy NAME"
            )
        return None
    newest = "" if run is not None else str(runs.sort("started_at", "run_id")["run_id"][-1])
    found = store.read_run(con, run or newest)
    manifest = json.loads(str(found["manifest"]))
    run_id, candidate = str(found["run_id"]), manifest["candidate"]
    if named is None and not candidate["digest"]:
        raise StoreError(
            f"run {run_id} replayed history as it was, no policy", "a run of a policy, or --policy NAME",
            f"triage-lab explain {ticket[:80]} --policy NAME",
        )  # fmt: skip
    rows = [
        row for row in store.ticket_decisions(con, run_id, ticket).iter_rows(named=True) if row["arm"] == "candidate"
    ]
    decided = f"{rows[0]['rule_id']}, to {rows[0]['owner_team']}" if rows else "nothing for this ticket"
    return _Shown(run_id, str(candidate["name"]), str(candidate["digest"]), str(manifest["data"]["digest"]), decided)


def _lookups(snapshot: Snapshot, row: int) -> dict[str, dict[str, Any]]:
    """The lookup behind each field: the newest answer, or the newest miss where no source answered."""
    logged = snapshot.enrichment.filter(pl.col("row") == row).sort("looked_up_at", maintain_order=True)
    replayed = snapshot.lookups.frame(tuple(snapshot.columns), row + 1).filter(pl.col("row") == row)
    found: dict[str, dict[str, Any]] = {}
    for line in (*logged.iter_rows(named=True), *replayed.iter_rows(named=True)):
        answered = line["status"] in ("hit", "stale")
        if answered or found.get(line["field"], {}).get("status") not in ("hit", "stale"):
            found[line["field"]] = line
    return found


def _values(
    trace: Any, context: dict[str, Any], columns: dict[str, ContextColumn], looked_up: dict[str, dict[str, Any]]
) -> list[Value]:
    """Every column that the policy read, with where its value came from."""
    out = []
    arrived = int(context["arrived_at"])
    for name in trace.columns_read:
        column = columns.get(name)
        lookup = looked_up.get(name)
        source, as_of, age = (column.source if column else "", column.as_of if column else "", "")
        if lookup is not None:
            source = f"{lookup['source']} ({lookup['status']})"
            if lookup["value_as_of"] is not None:
                as_of = iso(int(lookup["value_as_of"]))
                age = _age(arrived - int(lookup["value_as_of"]))
        value = context.get(name)
        out.append(Value(name, "unknown" if value is None else str(value), source, as_of, age))
    return out


def _age(seconds: int) -> str:
    """Seconds as days or hours."""
    if abs(seconds) >= 86400:
        return f"{seconds / 86400:.1f} d"
    return f"{seconds / 3600:.1f} h"


def _timeline(con: Any, run_id: str | None, ticket: str) -> tuple[Event, ...]:
    """Events of history, and the milestones of every arm of the run."""
    events = [
        Event(_time(line["at"]), "observed", _event_text(line))
        for line in store.read_events(con, ticket).iter_rows(named=True)
    ]
    if run_id is not None:
        for record in store.ticket_records(con, run_id, ticket).iter_rows(named=True):
            events.extend(_milestones(record))
    return tuple(sorted(events, key=lambda event: (event.at, event.arm, event.what)))


def _milestones(record: dict[str, Any]) -> list[Event]:
    """What happened to a ticket in one arm."""
    if record["arm"] == "observed":
        return []
    owner, resolver = record["owner_team"], record["resolver_team"]
    steps = (
        ("owned_at", f"owned by {owner}"),
        ("started_at", f"a person starts (waited {record['wait_minutes'] or 0:.0f} min in all queues)"),
        ("resolved_at", f"resolved by {resolver} (handoffs {record['handoffs']}, escalations {record['escalations']})"),
        ("censored_at", "still open when the data end"),
    )
    return [Event(_time(record[name]), record["arm"], text) for name, text in steps if record[name] is not None]


def _event_text(line: dict[str, Any]) -> str:
    """One event of the log in words."""
    change = f" {line['old_value'] or '–'} → {line['new_value']}" if line["new_value"] else ""
    who = f" by {line['actor_type']}" if line["actor_type"] else ""
    team = f" ({line['team_id']})" if line["team_id"] else ""
    return f"{line['kind']}{change}{who}{team}"


def _time(value: Any) -> str:
    """A stored time as ISO 8601 UTC text."""
    if isinstance(value, datetime):
        return value.replace(tzinfo=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return iso(int(value))


def _sentence(trace: Any) -> str:
    """The decision in one sentence."""
    texts = {
        "rule": f"Rule {trace.rule_id} decides: it goes to {trace.owner_team}.",
        "default": f"No rule is true, so the default sends it to {trace.owner_team}.",
        "override": f"Override {trace.rule_id} replaces {trace.overridden_rule_id}: it goes to {trace.owner_team}.",
        "manual_unknown": f"{trace.rule_id} cannot be decided, so a person does: it goes to {trace.owner_team}.",
        "manual_requires": f"{trace.rule_id} lacks a value that it requires: it goes to {trace.owner_team}.",
    }
    return texts[str(trace.outcome)]
