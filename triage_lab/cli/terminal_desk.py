"""What people see of accounts and of the desk: who is who, who works when, and what was only inferred."""

from __future__ import annotations

from typing import TYPE_CHECKING

from triage_lab.cli.terminal import grid, safe

if TYPE_CHECKING:
    from rich.console import Console

    from triage_lab.lab.accounts import LinkReport
    from triage_lab.lab.operations_proposal import Proposal
    from triage_lab.lab.operations_view import LineView, OperationsView, TeamView

_DOUBTS_SHOWN = 12
_SHADES = " ▁▂▃▄▅▆▇█"
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def link_table(console: Console, report: LinkReport, *, dry_run: bool) -> None:
    """Links by system and method, and the ids in doubt with the most tickets."""
    table = grid(
        "system", ("ids", "right"), "linked", ("in doubt", "right"), ("alone", "right"), ("tickets", "right"),
        ("in doubt", "right"),
    )  # fmt: skip
    for system in report.systems:
        linked = ", ".join(f"{number:,} {method}" for method, number in system.linked.items()) or "–"
        if system.system == report.hub:
            linked = "[dim]its ids name the accounts[/dim]"
        table.add_row(
            safe(system.system), f"{system.identities:,}", linked, f"{system.doubts:,}", f"{system.alone:,}",
            f"{system.tickets:,}", f"{system.tickets_in_doubt:,}",
        )  # fmt: skip
    console.print(table)
    if report.doubts:
        _doubts(console, report)
    if report.file:
        console.print(f"Doubts written to [bold]{safe(report.file)}[/bold]", soft_wrap=True)
    if dry_run:
        console.print(f"[dim]{len(report.links):,} links found; nothing was stored[/dim]")
    elif report.load_id is None and report.links:
        console.print("[dim]every link was known already[/dim]")
    elif report.load_id is None:
        console.print("[dim]nothing to store[/dim]")
    else:
        console.print(f"Stored {report.stored:,} new or changed links (load {report.load_id})")
    if not report.links:
        console.print("[dim]no two systems share an account that could be found[/dim]")
    if report.doubts and not report.file:
        console.print(
            "\nNext:  triage-lab accounts link --doubts doubts.csv    (fill in account_id, then "
            "triage-lab ingest --table account_links doubts.csv)",
            soft_wrap=True,
        )
    elif report.doubts:
        console.print(
            "\nNext:  fill in account_id there, then  triage-lab ingest --table account_links FILE", soft_wrap=True
        )
    else:
        console.print("\nNext:  triage-lab doctor")


def _doubts(console: Console, report: LinkReport) -> None:
    """The ids that somebody has to decide, those with the most tickets first."""
    ranked = sorted(report.doubts, key=lambda item: (-item.tickets, item.source, item.source_id))
    table = grid("in doubt", "name", ("tickets", "right"), "why", "perhaps")
    for item in ranked[:_DOUBTS_SHOWN]:
        perhaps = "; ".join(f"{safe(name)} {safe(title)} ({share:.2f})" for name, title, share in item.candidates[:2])
        table.add_row(f"{safe(item.source)} {safe(item.source_id)}", safe(item.name), f"{item.tickets:,}",
                      safe(item.reason), perhaps)  # fmt: skip
    console.print(table)
    if len(ranked) > _DOUBTS_SHOWN:
        console.print(f"[dim]and {len(ranked) - _DOUBTS_SHOWN:,} more[/dim]")


def proposal(console: Console, found: Proposal) -> None:
    """Where the desk was written, what to look at, what is only a guess."""
    console.print(f"Wrote [bold]{safe(found.path)}[/bold]", soft_wrap=True)
    for text in found.warnings:
        console.print(f"  [yellow]look at this:[/yellow] {safe(text)}", soft_wrap=True)
    for text in found.guesses:
        console.print(f"  [magenta]only a guess:[/magenta] {safe(text)}", soft_wrap=True)
    console.print(
        "\nEvery value is marked `inferred: true` and says what it rests on; simulated numbers stay extrapolated until "
        "calibration.",
        soft_wrap=True,
    )
    console.print("Next:  triage-lab operations show    then    triage-lab backtest POLICY --baseline history")


def operations(console: Console, view: OperationsView) -> None:
    """The desk: for every team a week of people on duty, then calendars, promises, windows, inboxes."""
    console.print(f"[bold]{safe(view.file)}[/bold]  {len(view.teams)} teams · {view.inferred} values inferred (≈)")
    for team in view.teams:
        _team(console, team)
    lines = (("calendars", _calendars(view)), ("promises", view.sla), ("escalation", view.escalation),
             ("inboxes", view.inboxes))  # fmt: skip
    for title, items in lines:
        if items:
            table = grid(title, "", "rests on")
            for item in items:
                mark = "≈ " if item.origin.inferred else ""
                table.add_row(mark + safe(item.name), safe(item.text), safe(item.origin.evidence))
            console.print(table)


def _calendars(view: OperationsView) -> list[LineView]:
    """Calendars as lines."""
    from triage_lab.lab.operations_view import LineView

    return [
        LineView(
            item.name,
            f"{item.hours} {item.timezone}" + (f"; closed {item.holidays}" if item.holidays else "")
            + f"; {', '.join(item.teams)}",
            item.origin,
        )
        for item in view.calendars
    ]  # fmt: skip


def _team(console: Console, team: TeamView) -> None:
    """One team: who and how many, a row of 24 hours a weekday, touch times."""
    mark = "≈ " if team.origin.inferred else ""
    extra = " · manual triage" if team.manual_triage else ""
    each = f" · {team.concurrency} tickets each" if team.concurrency > 1 else ""
    console.print(
        f"\n{mark}[bold]{safe(team.name)}[/bold]  {team.agents} people{each} · {safe(team.hours)} "
        f"({safe(team.calendar)}, {safe(team.timezone)}) · {safe(team.discipline.replace('_', ' '))}{extra}",
        soft_wrap=True,
    )
    if team.origin.evidence:
        console.print(f"  [dim]{safe(team.origin.evidence)}[/dim]", soft_wrap=True)
    console.print("       0     6     12    18    24")
    most = max(people for day in team.on_duty for people in day)  # each team on its own scale: small ones stay legible
    for day, hours in zip(_DAYS, team.on_duty, strict=True):
        bars = "".join(_SHADES[_level(people, most)] for people in hours)
        peak = max(hours)
        console.print(f"  {day}  {bars}  {f'up to {peak:g}' if peak else 'closed'}", highlight=False)
    if team.quartiles is not None:
        low, middle, high = (f"{seconds / 60:.0f}" for seconds in team.quartiles)
        declared = "≈ " if team.handle_origin.inferred else ""
        console.print(f"  {declared}touch time {low} / {middle} / {high} min (quartiles), from {team.donors:,} tickets")


def _level(people: float, most: float) -> int:
    """Height of a bar: nobody is blank, anybody at least the lowest bar."""
    if people <= 0 or most <= 0:
        return 0
    return max(1, round(people / most * (len(_SHADES) - 1)))
