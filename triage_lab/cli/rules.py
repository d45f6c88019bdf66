"""Commands on policies: show, test, columns."""

from __future__ import annotations

from typing import Annotated

import typer

from triage_lab.cli.session import Session, command

PANEL = "Rules"


def register(app: typer.Typer) -> None:
    """Add the policy group."""
    group = typer.Typer(no_args_is_help=True, help="Rules as code: read them, test them, see what they may read.")
    command(group, "show", group="policy", examples=_SHOW)(show)
    command(group, "test", group="policy", examples=_TEST)(test)
    command(group, "columns", group="policy", examples=_COLUMNS)(columns)
    app.add_typer(group, name="policy", rich_help_panel=PANEL)


_SHOW = """
triage-lab policy show billing-protection
"""


def show(session: Session, name: Annotated[str, typer.Argument(help="Policy by name, or a .yaml file.")]) -> int:
    """Print a policy in the order in which it is evaluated."""
    from triage_lab.cli import terminal

    report = session.open().policy.show(name)
    session.emit(report)
    terminal.policy_table(session.out, report)
    return 0


_TEST = """
triage-lab policy test
triage-lab policy test billing-protection
"""


def test(
    session: Session,
    names: Annotated[list[str] | None, typer.Argument(help="Policies; default: all of the lab.")] = None,
) -> int:
    """Run the tests that stand in the policy files. Exit 1 if one fails."""
    from triage_lab.cli import terminal

    reports = session.open().policy.test(names or ())
    session.emit(reports)
    terminal.policy_tests(session.out, reports)
    return 1 if any(report.failed for report in reports) else 0


_COLUMNS = """
triage-lab policy columns
"""


def columns(session: Session) -> int:
    """List the columns that a rule may read, with type, unit, source and as-of column."""
    from triage_lab.cli import terminal

    found = session.open().policy.columns()
    session.emit(found)
    terminal.columns_table(session.out, found)
    return 0
