"""Commands on who is who: the accounts of several systems, and the desk that the log shows."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from triage_lab.cli.session import Session, command

PANEL = "Data"


def register(app: typer.Typer) -> None:
    """Add the groups ``accounts`` and ``operations``."""
    accounts = typer.Typer(no_args_is_help=True, help="One customer in several systems: link the ids, list the doubts.")
    command(accounts, "link", group="accounts", examples=_LINK)(link)
    command(accounts, "show", group="accounts", examples=_ACCOUNTS)(show_accounts)
    app.add_typer(accounts, name="accounts", rich_help_panel=PANEL)
    operations = typer.Typer(no_args_is_help=True, help="The desk: infer it from the log, draw it.")
    command(operations, "propose", group="operations", examples=_PROPOSE)(propose)
    command(operations, "show", group="operations", examples=_SHOW)(show)
    app.add_typer(operations, name="operations", rich_help_panel=PANEL)


_LINK = """
triage-lab accounts link
triage-lab accounts link --dry-run --min-confidence 0.9
triage-lab accounts link --doubts doubts.csv
"""


def link(
    session: Session,
    min_confidence: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="Below it an id stays in doubt and is not linked.")
    ] = 0.85,
    hub: Annotated[str | None, typer.Option(help="System whose ids name the accounts; default the CRM.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be linked; store nothing.")] = False,
    doubts: Annotated[Path | None, typer.Option(help="Write what a person has to decide as CSV.")] = None,
) -> int:
    """Find which ids of the loaded systems are one account: by ids they name, mail domain, name."""
    from triage_lab.cli import terminal_desk

    report = session.open().accounts.link(min_confidence=min_confidence, hub=hub, dry_run=dry_run, doubts=doubts)
    session.emit(report)
    terminal_desk.link_table(session.out, report, dry_run=dry_run)
    return 0


_ACCOUNTS = """
triage-lab accounts show
"""


def show_accounts(session: Session) -> int:
    """Show how accounts are linked and which ids are in doubt; stores nothing."""
    from triage_lab.cli import terminal_desk

    report = session.open().accounts.show()
    session.emit(report)
    terminal_desk.link_table(session.out, report, dry_run=True)
    return 0


_PROPOSE = """
triage-lab operations propose
triage-lab operations propose --out proposed.yaml
"""


def propose(
    session: Session,
    out: Annotated[
        Path | None, typer.Option(help="File to write; default the lab's operations file, if there is none yet.")
    ] = None,
) -> int:
    """Infer teams, people, hours, touch times and promises from the log; every value says what it rests on."""
    from triage_lab.cli import terminal_desk

    proposal = session.open().operations.propose(out=out)
    session.emit(proposal)
    terminal_desk.proposal(session.out, proposal)
    return 0


_SHOW = """
triage-lab operations show
"""


def show(session: Session) -> int:
    """Draw the desk: who is on duty hour by hour, calendars, touch times, promises; inferred values are marked."""
    from triage_lab.cli import terminal_desk

    view = session.open().operations.show()
    session.emit(view)
    terminal_desk.operations(session.out, view)
    return 0
