"""Slow twin of the vendor clocks: one ticket after the other, one event after the other, one tick of time after the other.

Written from the rules of the presets, not from the code. All times are multiples of ``TICK`` seconds, calendars are
lists of open (from, until), so that a tick is either open or not.
"""

from __future__ import annotations

from typing import Any

TICK = 600
STATUS_METRICS = ("requester_wait", "agent_work", "resolve")
ENDED = ("solved", "closed", "cancelled")
HORIZON = 2_000  # ticks that a due time is looked for ahead


def classify(word: str | None) -> str | None:
    """Class of the status words that the tests use."""
    return {
        "new": "new", "open": "open", "in progress": "open", "pending": "pending", "awaiting user info": "pending", "hold": "hold",
        "on hold": "hold", "solved": "solved", "resolved": "solved", "closed": "closed", "canceled": "cancelled",
    }.get((word or "").lower())  # fmt: skip


def state_after(state: dict[str, Any], event: dict[str, Any], told: bool) -> dict[str, Any]:
    """Status and stop flag after one event; ``told``: a status event has the same second."""
    status, stopped = state["status"], state["stopped"]
    word = classify(event.get("new_value"))
    kind = event["kind"]
    if kind in ("created", "status") and word:
        status = word
    elif kind == "resolved":
        status = "solved"
    elif kind == "closed":
        status = "closed"
    elif kind == "reopened":
        if word and word not in ENDED:
            status = word
        elif not told:
            status = "open"
    elif kind == "field" and event.get("field") == "IsStopped":
        stopped = event.get("new_value") == "true"
    return {"status": status, "stopped": stopped}


class Story:
    """One ticket: its states over time, and the cycles of its clocks."""

    def __init__(self, ticket: dict[str, Any], events: list[dict[str, Any]], rules: Any, cutoff: int) -> None:
        self.rules, self.cutoff, self.created = rules, cutoff, ticket["created_at"]
        self.events = sorted((e for e in events if e["at"] <= cutoff), key=lambda e: (e["at"], e["seq"]))
        self.timeline: list[tuple[int, dict[str, Any]]] = [(self.created, {"status": "new", "stopped": False})]
        self.flips: list[tuple[int, str, dict[str, Any] | None]] = []
        self.withdrawn: int | None = None
        self.merged_to: str | None = None
        deleted = None
        for event in self.events:
            at = max(event["at"], self.created)
            told = any(e["kind"] == "status" and max(e["at"], self.created) == at for e in self.events)
            before = self.timeline[-1][1]
            after = state_after(before, event, told)
            self.timeline.append((at, after))
            if (before["status"] in ENDED) != (after["status"] in ENDED):
                self.flips.append((at, "end" if after["status"] in ENDED else "begin", event))
            if event["kind"] == "merged" and self.merged_to is None:
                self.merged_to = event["new_value"]
                if rules.merge_policy != "keep":
                    self.withdrawn = at
            if event["kind"] == "deleted":
                deleted = at
            if event["kind"] == "restored":
                deleted = None
        if deleted is not None:
            self.withdrawn = deleted if self.withdrawn is None else min(self.withdrawn, deleted)
        self.first = self.created

    def state(self, at: int) -> dict[str, Any]:
        """The state in the tick that begins at a time; that of creation before it."""
        found = self.timeline[0][1]
        for since, state in self.timeline:
            if since <= at:
                found = state
        return found

    def cycles(self) -> list[dict[str, Any]]:
        """All cycles of all clocks, with what the merge or deletion of the ticket does to them."""
        out = []
        for metric, number, start, end, cancelled in [*self.replies(), *self.acknowledged(), *self.solved()]:
            if number == 1 and start == self.created:
                start = min(start, self.first)
            if self.withdrawn is not None:
                if start > self.withdrawn:
                    continue
                if end is None or end >= self.withdrawn:
                    end, cancelled = self.withdrawn, True
            out.append({"metric": metric, "cycle": number, "start": start, "end": end, "cancelled": cancelled})
        return out

    def cancels(self, event: dict[str, Any] | None) -> bool:
        """Does the event that ended the ticket call it cancelled?"""
        return event is not None and event["kind"] == "status" and classify(event.get("new_value")) == "cancelled"

    def solved(self) -> list[tuple[str, int, int, int | None, bool]]:
        """Clocks that end with the ticket."""
        periods: list[list[Any]] = [[self.created, None, False]]
        for at, what, event in self.flips:
            if what == "end":
                periods[-1][1:] = [at, self.cancels(event)]
            else:
                periods.append([at, None, False])
        if self.rules.on_reopen == "ignore":
            periods = periods[:1]
        elif self.rules.on_reopen != "new_cycle":
            periods = [[periods[0][0], periods[-1][1], periods[-1][2]]]
        return [(m, n, s, e, c) for m in STATUS_METRICS for n, (s, e, c) in enumerate(periods, start=1)]

    def acknowledged(self) -> list[tuple[str, int, int, int | None, bool]]:
        """Taking the ticket up."""
        status = "new"
        for place, event in enumerate(self.events, start=1):
            at, state = self.timeline[place]
            if event["kind"] == "ack" or (state["status"] != "new" and status == "new"):
                return [("acknowledge", 1, self.created, at, state["status"] == "cancelled" and event["kind"] != "ack")]
            status = state["status"]
        return [("acknowledge", 1, self.created, None, False)]

    def replies(self) -> list[tuple[str, int, int, int | None, bool]]:
        """Waiting for an answer, again and again."""
        found: list[list[Any]] = [[self.created, None, False]]
        status = "new"
        for place, event in enumerate(self.events, start=1):
            at, state = self.timeline[place]
            public = event["kind"] == "reply" and event.get("is_public") is not False
            who = event.get("actor_type")
            answers, cancels = False, False
            if public and who != "customer" and not (who == "agent" and at == self.created):
                answers = self.rules.fulfil_by == "any_outbound" or (who == "agent" and self.rules.fulfil_by != "solve")
            if state["status"] in ENDED and status not in ENDED:
                cancels = self.cancels(event)
                answers = cancels or self.rules.fulfil_by in ("solve", "public_human_reply_or_solve")
            if answers and found[-1][1] is None:
                found[-1][1:] = [at, cancels]
            elif public and who == "customer" and found[-1][1] is not None:
                found.append([at, None, False])
            status = state["status"]
        out = [("first_action", 1, *found[0])]
        if self.rules.reply_cycles == "each_oldest_unanswered":
            out += [("next_reply", n, *cycle) for n, cycle in enumerate(found[1:], start=1)]
        return out


def versions(targets: list[dict[str, Any]], metric: str, cutoff: int) -> list[dict[str, Any]]:
    """Targets of a metric as they were attached, the last of one instant, repetitions left out."""
    mine = [t for t in targets if t["metric"] == metric and t["applied_at"] <= cutoff]
    out: list[dict[str, Any]] = []
    for target in sorted(mine, key=lambda t: t["applied_at"]):
        if out and out[-1]["applied_at"] == target["applied_at"]:
            out[-1] = target
        else:
            out.append(target)
    kept: list[dict[str, Any]] = []
    for target in out:
        if not kept or any(kept[-1][k] != target[k] for k in ("target_seconds", "schedule_id", "business_hours")):
            kept.append(target)
        # a repetition of what was dropped as a repetition is one, too
    return kept


def with_targets(
    cycle: dict[str, Any], all_versions: list[dict[str, Any]], rules: Any, cutoff: int
) -> list[dict[str, Any]]:
    """The clocks of one cycle."""
    start, end = cycle["start"], cycle["end"]
    limit = end if end is not None else cutoff + 1
    counting = [v for v in all_versions if v["applied_at"] <= start or v["applied_at"] < limit]
    early = [v for v in counting if v["applied_at"] <= start]
    counting = early[-1:] + [v for v in counting if v["applied_at"] > start]
    while counting and counting[0]["target_seconds"] is None:
        counting = counting[1:]
    if not counting:
        return []

    def anchor(version: dict[str, Any]) -> int:
        if rules.clock_start == "created":
            return start
        if rules.clock_start == "criteria_met" and version["criteria_at"] is not None:
            return int(version["criteria_at"])
        return int(version["applied_at"])

    first = max(start, anchor(counting[0]))
    clocks = []
    if rules.on_target_change in ("keep_start", "carry_elapsed"):
        given = [v for v in counting if v["target_seconds"] is not None]
        gone = counting[-1]["target_seconds"] is None
        clocks.append({
            "start": first, "end": counting[-1]["applied_at"] if gone else end, "cancelled": cycle["cancelled"] or gone, "target": given[-1],
            "terms": given if rules.on_target_change == "carry_elapsed" else given[-1:],
        })  # fmt: skip
    else:
        for place, version in enumerate(counting):
            if version["target_seconds"] is None:
                continue
            last = place == len(counting) - 1
            begun = first
            if place and rules.on_target_change == "restart":
                begun = max(start, version["applied_at"] if rules.clock_start == "created" else anchor(version))
            stop = end if last else counting[place + 1]["applied_at"]
            clocks.append(
                {
                    "start": begun,
                    "end": stop,
                    "cancelled": cycle["cancelled"] or not last,
                    "target": version,
                    "terms": [version],
                }
            )
    return [c for c in clocks if c["start"] <= (c["end"] if c["end"] is not None else cutoff)]


def is_open(
    clock: dict[str, Any], at: int, assigned: list[tuple[str, int]], calendars: dict[str, Any], rules: Any, stop: int
) -> bool:
    """Do the clock's business hours hold the tick that begins at this time?"""
    term = clock["terms"][0]
    for candidate in clock["terms"]:
        if candidate["applied_at"] <= at:
            term = candidate
    if not term["business_hours"]:
        return True
    name = term["schedule_id"]
    if name is None and assigned:
        asked = {"in_force": at, "last": stop, "at_start": clock["start"]}[rules.calendar_policy]
        name = assigned[0][0]
        for candidate, since in assigned:
            if since <= asked:
                name = candidate
    if name not in calendars:
        return True
    return any(opening <= at < closing for opening, closing in calendars[name])


def measure(
    clock: dict[str, Any], metric: str, story: Story, assigned: list[tuple[str, int]], calendars: dict[str, Any]
) -> dict[str, Any]:
    """Walk a clock tick by tick."""
    rules, cutoff = story.rules, story.cutoff
    start, stop = clock["start"], clock["end"] if clock["end"] is not None else cutoff
    pauses = next((states for name, states in rules.pause_when if name == metric), frozenset())
    elapsed = paused = used = 0
    due, moves, at = None, False, start
    wanted = clock["target"]["target_seconds"]
    while at < stop:
        state = story.state(at)
        ended = state["status"] in ENDED
        gap = metric in STATUS_METRICS and ended and rules.on_reopen in ("resume", "extend_by_closed_time")
        stands = gap or (not ended and (state["status"] in pauses or ("stopped" in pauses and state["stopped"])))
        moves = stands if rules.pause_extends_due else gap and rules.on_reopen == "extend_by_closed_time"
        works = is_open(clock, at, assigned, calendars, rules, stop)
        elapsed += TICK if works and not stands else 0
        paused += TICK if stands else 0
        used += TICK if works and not moves else 0
        at += TICK
        if due is None and used >= wanted:
            due = at
    for _ in range(HORIZON):
        if due is not None or (moves and stop > start):
            break
        used += TICK if is_open(clock, at, assigned, calendars, rules, stop) else 0
        at += TICK
        due = at if used >= wanted else None
    return {"due": due, "elapsed": elapsed, "paused": paused}


def judge(clock: dict[str, Any], due: int | None, rules: Any, cutoff: int) -> str:
    """Met, breached, open or cancelled."""
    if clock["cancelled"]:
        return "cancelled"
    if clock["end"] is None:
        late = due is not None and due <= cutoff and rules.open_as_of == "breached_when_due"
        return "breached" if late else "open"
    return "breached" if due is not None and clock["end"] > due else "met"


def naive_clocks(
    tickets: list[dict[str, Any]],
    events: list[dict[str, Any]],
    targets: list[dict[str, Any]],
    assigned: list[tuple[str, str, int]],
    calendars: dict[str, Any],
    rules: Any,
    cutoff: int,
) -> list[tuple[Any, ...]]:
    """(ticket_id, metric, cycle, started_at, due_at, fulfilled_at, elapsed, paused, state) of every clock, sorted."""
    stories = {
        t["ticket_id"]: Story(t, [e for e in events if e["ticket_id"] == t["ticket_id"]], rules, cutoff) for t in tickets if t["created_at"] <= cutoff
    }  # fmt: skip
    if rules.merge_policy == "inherit_earliest_start":
        for _ in stories:
            for story in stories.values():
                if story.merged_to in stories:
                    target = stories[story.merged_to]
                    target.first = min(target.first, story.first)
    out = []
    for name, story in stories.items():
        mine = [t for t in targets if t["ticket_id"] == name]
        hours = sorted(((s, at) for t, s, at in assigned if t == name and at <= cutoff), key=lambda one: one[1])
        for metric in ("first_action", "next_reply", "acknowledge", *STATUS_METRICS):
            number = 0
            for cycle in story.cycles():
                if cycle["metric"] != metric:
                    continue
                for clock in with_targets(cycle, versions(mine, metric, cutoff), rules, cutoff):
                    number += 1
                    got = measure(clock, metric, story, hours, calendars)
                    state = judge(clock, got["due"], rules, cutoff)
                    done = clock["end"] if state in ("met", "breached") else None
                    out.append(
                        (name, metric, number, clock["start"], got["due"], done, got["elapsed"], got["paused"], state)
                    )
    return sorted(out)
