"""Commands that replay and report: backtest, scorecard, runs, explain, config."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from triage_lab.cli.session import Session, command

PANEL = "Replay and report"


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    command(app, "backtest", panel=PANEL, examples=_BACKTEST)(backtest)
    command(app, "scorecard", panel=PANEL, examples=_SCORECARD)(scorecard)
    command(app, "explain", panel=PANEL, examples=_EXPLAIN)(explain)
    command(app, "runs", panel=PANEL, examples=_RUNS)(runs)
    command(app, "config", panel=PANEL, examples=_CONFIG)(config)


_BACKTEST = """
triage-lab backtest billing-protection
triage-lab backtest billing-protection --baseline current --from 2026-09-01 --to 2026-10-01
triage-lab backtest my-rules --where "category = 'billing'" --by channel,region
"""


def backtest(
    session: Session,
    candidate: Annotated[str, typer.Argument(help="Policy by name, or a .yaml file.")],
    baseline: Annotated[
        str | None, typer.Option(help="history (what was really decided) or a policy; default: the lab's.")
    ] = None,
    from_: Annotated[str | None, typer.Option("--from", help="First arrival scored, inclusive.")] = None,
    to: Annotated[str | None, typer.Option("--to", help="Last arrival scored, exclusive.")] = None,
    where: Annotated[
        str | None, typer.Option(help="Predicate over context columns; scores only these tickets.")
    ] = None,
    by: Annotated[str | None, typer.Option(help="Context columns to break numbers down by, comma-separated.")] = None,
    replications: Annotated[
        int | None, typer.Option(min=1, max=1000, help="Default 1 if every handle time is recorded, else 30.")
    ] = None,
) -> int:
    """Replay your tickets under the candidate and the baseline, in paired worlds, and record the run."""
    from triage_lab.cli import terminal

    lab = session.open()
    with session.progress() as progress:
        run = lab.backtest(
            candidate,
            baseline=baseline,
            from_=from_,
            to=to,
            where=where,
            by=tuple(part.strip() for part in by.split(",") if part.strip()) if by else (),
            replications=replications,
            progress=progress,
            notice=lambda text: session.log.print(f"[bold]note:[/bold] {terminal.safe(text)}"),
        )
    session.emit(run.result)
    terminal.run_summary(session.out, run)
    return 0


_SCORECARD = """
triage-lab scorecard
triage-lab scorecard 3f9a1c --md
"""


def scorecard(
    session: Session,
    run: Annotated[str | None, typer.Argument(help="Run id or its beginning; default: the newest.")] = None,
    md: Annotated[bool, typer.Option("--md", help="Write the summary as Markdown too.")] = False,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Write the page here instead.")] = None,
) -> int:
    """Write the scorecard page of a run from its result.json."""
    paths = session.open().scorecard(run, md=md, out=out)
    session.emit({"files": paths})
    for path in paths:
        session.out.print(str(path), soft_wrap=True, markup=False)
    return 0


_EXPLAIN = """
triage-lab explain T000123
triage-lab explain INC0000060 --policy billing-protection
"""


def explain(
    session: Session,
    ticket: Annotated[str, typer.Argument(help="Ticket id.")],
    run: Annotated[str | None, typer.Option(help="Run id or its beginning; default: the newest.")] = None,
    policy: Annotated[str | None, typer.Option(help="Explain this policy instead of the run's candidate.")] = None,
) -> int:
    """Show why a ticket went where it went: rules, values, near misses, and what happened to it."""
    from triage_lab.cli import terminal

    report = session.open().explain(ticket, run=run, policy=policy)
    session.emit(report)
    terminal.explanation(session.out, report)
    return 0


_RUNS = """
triage-lab runs
triage-lab runs 3f9a1c
"""


def runs(
    session: Session,
    run: Annotated[str | None, typer.Argument(help="Show this run; default: list all.")] = None,
) -> int:
    """List the recorded runs, or show one."""
    from triage_lab.cli import terminal

    lab = session.open()
    if run is not None:
        found = lab.run(run)
        session.emit(found.result)
        terminal.run_summary(session.out, found)
        return 0
    listed = lab.runs()
    session.emit(listed)
    terminal.runs_table(session.out, listed)
    return 0


_CONFIG = """
triage-lab config
"""


def config(session: Session) -> int:
    """Print every setting, its value and where it comes from."""
    from triage_lab.cli import terminal

    settings = session.open().settings()
    session.emit(settings)
    terminal.settings_table(session.out, settings)
    return 0
