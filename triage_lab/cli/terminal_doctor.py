"""The doctor's second half: which systems tell what, what came in, and how the vendor's promises were kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from triage_lab.cli.terminal import grid, safe

if TYPE_CHECKING:
    from rich.console import Console

    from triage_lab.lab.clock_report import ClockReport
    from triage_lab.lab.doctor import ArrivalFacts, DoctorReport

_AGREE = "agree"


def heading(console: Console, report: DoctorReport) -> None:
    """Systems, arrivals, promises: what lies behind the judgement that follows."""
    if report.systems:
        table = grid("system", "table", ("rows", "right"), ("columns", "right"), ("filled", "right"), "newest")
        before = ""
        for facts in report.systems:
            name = "" if facts.system == before else safe(facts.system)
            before = facts.system
            table.add_row(
                name, safe(facts.table), f"{facts.rows:,}", str(facts.columns), f"{facts.filled:.0%}",
                safe((facts.newest_at or "")[:10]),
            )  # fmt: skip
        console.print(table)
    _arrivals(console, report.arrivals)
    if report.clocks is not None:
        _promises(console, report.clocks)


def _arrivals(console: Console, facts: ArrivalFacts) -> None:
    """What came in, and what of it counts once or not at all."""
    channels = ", ".join(f"{safe(name)} {number:,}" for name, number in facts.channels.items())
    if channels:
        console.print(f"arrivals: {channels}", soft_wrap=True)
    if facts.signals:
        repeated = f"{facts.repeated:,} delivered again and counted once" if facts.repeated else "none delivered twice"
        console.print(f"signals: {facts.signals:,}, {repeated}", soft_wrap=True)
    if facts.left_out:
        shown = ", ".join(f"{number:,} {safe(reason)}" for reason, number in facts.left_out.items())
        console.print(f"not scored (they load the desk): {shown}", soft_wrap=True)


def _promises(console: Console, clocks: ClockReport) -> None:
    """On time under every denominator, then why the vendor's clocks differ from ours."""
    shown = [line for line in clocks.on_time if line.n]
    if shown:
        table = grid("on time, from dates alone", ("of", "right"), ("met", "right"), ("late", "right"), ("", "right"))
        for line in shown:
            rate = "" if line.rate is None else f"{100 * line.rate:.2f} %"
            table.add_row(safe(line.meaning), f"{line.n:,}", f"{line.met:,}", f"{line.breached:,}", rate)
        console.print(table)
    if clocks.teams and len(shown) > 1:
        teams = ", ".join(
            f"{safe(team.team)} {team.met:,} of {team.n:,} ({100 * (team.rate or 0):.2f} %)" for team in clocks.teams
        )
        console.print(f"[dim]closed on time by first owner: {teams}[/dim]", soft_wrap=True)
    if clocks.reasons:
        _reasons(console, clocks)


def _reasons(console: Console, clocks: ClockReport) -> None:
    """Vendor clocks against ours: agreement, and one reason for each difference."""
    rules = f"{safe(clocks.preset)} rules" if clocks.preset else "from dates"
    table = grid(f"vendor's clocks against ours ({rules})", ("clocks", "right"), ("agree", "right"), "differ because")
    for metric in dict.fromkeys(item.metric for item in clocks.reasons):
        mine = [item for item in clocks.reasons if item.metric == metric]
        agree = sum(item.n for item in mine if item.reason == _AGREE)
        why = sorted((item for item in mine if item.reason != _AGREE), key=lambda item: (-item.n, item.reason))
        words = ", ".join(f"{item.reason.replace('_', ' ')} {item.n:,}" for item in why)
        table.add_row(safe(metric), f"{sum(item.n for item in mine):,}", f"{agree:,}", safe(words or "–"))
    console.print(table)
    if clocks.file:
        console.print(f"Every difference: [bold]{safe(clocks.file)}[/bold]", soft_wrap=True)
