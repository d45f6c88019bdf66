"""Commands that bring data in and judge it: demo, init, generate, ingest, doctor, check."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from triage_lab.cli.session import Session, command
from triage_lab.domain.errors import TriageLabError

if TYPE_CHECKING:
    from triage_lab.lab import Lab

PANEL = "Data"


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    command(app, "demo", panel=PANEL, examples=_DEMO)(demo)
    command(app, "init", panel=PANEL, examples=_INIT)(init)
    command(app, "generate", panel=PANEL, examples=_GENERATE)(generate)
    command(app, "ingest", panel=PANEL, examples=_INGEST)(ingest)
    command(app, "doctor", panel=PANEL, examples=_DOCTOR)(doctor)
    command(app, "check", panel=PANEL, examples=_CHECK)(check)


_DEMO = """
triage-lab demo
triage-lab demo ./my-demo --tickets 5000
"""


def demo(
    session: Session,
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of the demo lab.")] = Path("triage-lab-demo"),
    tickets: Annotated[int, typer.Option(min=1000, max=1_000_000, help="Tickets of the synthetic desk.")] = 20_000,
) -> int:
    """Make a synthetic desk with known truth and take it all the way to a scorecard."""
    from triage_lab import demo as run_demo
    from triage_lab.cli import terminal

    with session.progress() as progress:
        run = run_demo(directory, tickets=tickets, seed=session.seed, progress=progress)
    session.emit(run.result)
    terminal.run_summary(session.out, run, shown=directory)
    return 0


_INIT = """
triage-lab init acme-support
triage-lab init . --timezone Europe/Berlin --currency EUR
triage-lab init contracts-lab --template contracts
"""


def init(
    session: Session,
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of the new lab; made if missing.")],
    name: Annotated[str | None, typer.Option(help="Name of the lab; default: the folder's name.")] = None,
    timezone: Annotated[
        str | None, typer.Option(help="IANA zone of reports and whole days; default UTC, or that of the template.")
    ] = None,
    currency: Annotated[str, typer.Option(help="Currency of reports, ISO 4217.")] = "EUR",
    template: Annotated[
        str | None, typer.Option(help="A ready lab with its README: billing, contracts or handoffs.")
    ] = None,
) -> int:
    """Make a new lab: settings, a first policy, the default gates, launch limits."""
    from triage_lab import init as make

    made = make(directory, name=name, timezone=timezone, currency=currency, template=template)
    session.emit({"lab": made.root, "files": made.files})
    out = session.out
    out.print(f"Made a lab in [bold]{made.root}[/bold]:")
    for file in made.files:
        out.print(f"  {file}")
    if template is not None:
        out.print(f"\nNext:  read {made.root}/README.md: six commands lead to a first scorecard on generated exports")
        return 0
    out.print("\nNext:  triage-lab ingest --source zendesk EXPORT_FOLDER    (or --table tickets tickets.csv)")
    return 0


_GENERATE = """
triage-lab generate exports
triage-lab generate exports --tickets 100000 --seed 7
triage-lab generate broken --faults 0.2 --format csv
triage-lab generate exports --shape zendesk+salesforce+stripe
"""


def generate(
    session: Session,
    directory: Annotated[
        Path, typer.Argument(metavar="DIR", help="Folder for the exports; must not exist or be empty.")
    ],
    tickets: Annotated[int, typer.Option(min=1000, max=1_000_000, help="How many tickets.")] = 20_000,
    faults: Annotated[float, typer.Option(min=0.0, max=1.0, help="How much is wrong with the data, 0 to 1.")] = 0.0,
    format: Annotated[
        str | None, typer.Option(help="parquet, csv, or with --shape jsonl; default parquet, with --shape csv.")
    ] = None,
    shape: Annotated[
        str | None,
        typer.Option(help="As the files of systems joined by +: zendesk, salesforce, stripe, contracts."),
    ] = None,
) -> int:
    """Write the exports of a synthetic desk, with the truth beside them."""
    from triage_lab import generate as make

    with session.progress() as progress:
        made = make(
            directory,
            tickets=tickets,
            seed=session.seed,
            faults=faults,
            format=format,
            shape=shape,
            progress=progress,
        )
    session.emit(made)
    out = session.out
    out.print(f"Wrote {len(made.files)} files to [bold]{made.directory}[/bold] (truth in {made.directory}/truth)")
    out.print("\nNext:")
    if shape is None:
        suffix = format or "parquet"
        out.print(f"  triage-lab ingest --table tickets {made.directory}/tickets.{suffix}", soft_wrap=True)
        return 0
    for system in shape.split("+"):
        out.print(f"  triage-lab ingest --source {system.strip()} {made.directory}/{system.strip()}", soft_wrap=True)
    out.print("  triage-lab accounts link")
    return 0


_INGEST = """
triage-lab ingest --table tickets tickets.csv --timezone Europe/Berlin
triage-lab ingest --source zendesk zendesk-export/
triage-lab ingest --source salesforce Account.csv Case.csv history=CaseHistory-2026.csv
triage-lab ingest --source servicenow incident_event_log.csv.gz
triage-lab ingest --table labels labels.parquet --strict
triage-lab ingest --table tickets export.csv --propose > columns.yaml
triage-lab ingest --table tickets export.csv --columns columns.yaml
"""


def ingest(
    session: Session,
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="FILES...",
            help="CSV, Parquet or JSON Lines; .gz is fine; a folder means its files. OBJECT=FILE says what a file is.",
        ),
    ],
    source: Annotated[
        str | None,
        typer.Option(
            help="System the files come from: contracts, salesforce, service_requests, servicenow, stripe or zendesk."
        ),
    ] = None,
    table: Annotated[str | None, typer.Option(help="Canonical table whose column names the files use.")] = None,
    columns: Annotated[
        Path | None,
        typer.Option(
            help="YAML `canonical: source_column` for files with other names; two columns: {join: [date, time]}.",
            readable=False,
        ),
    ] = None,
    propose: Annotated[
        bool, typer.Option("--propose", help="Print such a mapping for the file and load nothing.")
    ] = False,
    layout: Annotated[
        str | None,
        typer.Option(help="Layout of the source, e.g. event_log_month_first; for a table day_first or month_first."),
    ] = None,
    delimiter: Annotated[
        str | None, typer.Option(help="Column separator of CSV, one character or tab; default a comma.")
    ] = None,
    timezone: Annotated[str | None, typer.Option(help="IANA zone of times that carry none.")] = None,
    snapshot_at: Annotated[str | None, typer.Option(help="When the export was taken, ISO 8601.")] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Refuse everything if one row is rejected.")] = False,
) -> int:
    """Load ticket logs and the tables around them; bad rows go to the table `rejects`."""
    from triage_lab.cli import terminal

    lab = session.open()
    if propose:
        proposal = lab.propose(files[0], table=table or "tickets", delimiter=delimiter)
        session.emit(proposal)
        session.out.print(proposal.yaml, end="", markup=False, soft_wrap=True)
        return 0
    with session.progress() as progress:
        report = lab.ingest(
            files,
            source=source,
            table=table,
            columns=columns,
            layout=layout,
            delimiter=delimiter,
            timezone=timezone,
            snapshot_at=snapshot_at,
            strict=strict,
            progress=progress,
        )
    session.emit(report)
    terminal.ingest_summary(session.out, report)
    if not session.json:
        _tell_possible(session, lab)
    return 0


def _tell_possible(session: Session, lab: Lab) -> None:
    """What the data make possible; the rows are stored, so a file that is wrong elsewhere is a note and no failure."""
    from triage_lab.cli import terminal

    try:
        terminal.doctor_line(session.out, lab.doctor(clocks=False))
    except TriageLabError as error:
        where = f"{error.place}: " if str(error.place) else ""
        session.log.print(f"[bold]note:[/bold] {terminal.safe(where + error.found)}", soft_wrap=True)


_DOCTOR = """
triage-lab doctor
triage-lab doctor --differences clocks.csv
triage-lab doctor --no-clocks --json
"""


def doctor(
    session: Session,
    clocks: Annotated[
        bool, typer.Option("--clocks/--no-clocks", help="Count the vendor's promises and compare its clocks with ours.")
    ] = True,
    differences: Annotated[
        Path | None, typer.Option(help="Write every vendor clock that differs from ours, with the reason, as CSV.")
    ] = None,
) -> int:
    """Say, metric by metric, what this lab's data can show and why not; systems, arrivals, promises beside it."""
    from triage_lab.cli import terminal

    report = session.open().doctor(clocks=clocks, differences=differences)
    session.emit(report)
    terminal.doctor_table(session.out, report)
    return 0


_CHECK = """
triage-lab check
triage-lab check --engine both
triage-lab check --junit gates.xml --sarif gates.sarif
"""


def check(
    session: Session,
    engine: Annotated[str, typer.Option(help="sql (direct), gx (Great Expectations) or both.")] = "sql",
    gate: Annotated[str | None, typer.Option(help="Run only this gate.")] = None,
    junit: Annotated[Path | None, typer.Option(help="Write the results as JUnit XML.")] = None,
    sarif: Annotated[Path | None, typer.Option(help="Write the results as SARIF 2.1.0.")] = None,
    warn_as_error: Annotated[bool, typer.Option("--warn-as-error", help="Exit 1 on warnings too.")] = False,
) -> int:
    """Run the data-quality gates. Exit 0 fine, 1 a critical gate failed, 4 one was skipped, 70 one is in error."""
    from triage_lab.cli import terminal

    report = session.open().check(engine=engine, gate=gate, junit=junit, sarif=sarif)
    session.emit(report)
    terminal.gates_table(session.out, report)
    return report.exit_code(warn_as_error)
