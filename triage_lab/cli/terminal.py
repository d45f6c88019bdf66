"""What people see in the terminal: tables and summaries that end with paths and the next command."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich import box
from rich.markup import escape
from rich.table import Table

from triage_lab.cli.session import harmless

if TYPE_CHECKING:
    from rich.console import Console

    from triage_lab.domain.desk import ContextColumn
    from triage_lab.domain.gate import GateResult
    from triage_lab.lab.doctor import DoctorReport
    from triage_lab.lab.gates import CheckReport
    from triage_lab.lab.ingest import IngestReport
    from triage_lab.lab.policies import PolicyReport, PolicyView
    from triage_lab.lab.recorded import Run, RunLine
    from triage_lab.lab.workbench import Setting

STATE_STYLE = {
    "pass": "green", "green": "green", "possible": "green", "GO": "green",
    "fail": "red", "red": "red", "impossible": "red", "NO-GO": "red", "error": "red",
    "warn": "yellow", "approximate": "yellow", "missing": "magenta", "skipped": "magenta",
    "not_assessable": "magenta", "NOT ENOUGH EVIDENCE": "magenta",
}  # fmt: skip
MARK = {
    "pass": "✓", "green": "✓", "possible": "✓", "fail": "✗", "red": "✗", "impossible": "✗", "error": "!",
    "warn": "△", "approximate": "~", "missing": "–", "skipped": "–", "not_assessable": "–",
}  # fmt: skip


_LONGEST_NOTE = 160


def safe(text: object) -> str:
    """Text from data, made harmless for a terminal: no markup, no control or direction characters."""
    return escape(harmless(text))


def state(word: str) -> str:
    """A state as mark and word in its colour; the word alone says it too."""
    style = STATE_STYLE.get(word, "default")
    return f"[{style}]{MARK.get(word, ' ')} {word.replace('_', ' ')}[/{style}]"


def grid(*columns: str | tuple[str, str], title: str | None = None) -> Table:
    """A plain table; a column is its heading, or (heading, "right")."""
    table = Table(box=box.SIMPLE_HEAD, title=title, title_justify="left", title_style="bold", pad_edge=False)
    for column in columns:
        heading, justify = column if isinstance(column, tuple) else (column, "left")
        table.add_column(heading, justify=justify, overflow="fold")  # type: ignore[arg-type]
    return table


def run_summary(console: Console, run: Run, *, shown: Path | None = None) -> None:
    """Verdict, five tiles, what blocks, what gets worse, paths, next commands."""
    from triage_lab.report import summary_rows

    result = run.result
    verdict = result.verdict
    word = str(verdict.word)
    style = STATE_STYLE[word]
    console.print()
    console.print(
        f"[bold]{safe(result.candidate.name)} {safe(result.candidate.version)}[/bold] against "
        f"{safe(result.baseline.name)} {safe(result.baseline.version)} · {result.scope.scored:,} tickets, "
        f"{result.scope.accounts:,} accounts · run {result.run_id}"
    )
    console.print(f"\n[bold {style}]{word}[/bold {style}]  {safe(verdict.sentence)}")
    if verdict.comparison:
        console.print(f"[dim]{safe(verdict.comparison)}[/dim]")
    table = grid("", ("today", "right"), ("new policy", "right"), "difference (95 % interval)", "limit")
    for row in summary_rows(result):
        label = f"{safe(row.label)}\n[dim]{safe(row.grade)}[/dim]"
        table.add_row(label, safe(row.baseline), safe(row.candidate), safe(row.difference), _limit(row))
    console.print(table)
    for harm in result.harms:
        console.print(f"  [red]gets worse:[/red] {safe(harm.label)}")
    missing = [item.item for item in verdict.items if str(item.state) == "missing"]
    if missing:
        console.print(f"  [magenta]no evidence yet:[/magenta] {', '.join(missing)}")
    for notice in result.notices:
        console.print(f"  [yellow]note:[/yellow] {safe(notice)}")
    console.print(f"\nScorecard: [bold]{safe(run.folder / 'scorecard.html')}[/bold]", soft_wrap=True)
    at = f" --lab {shown}" if shown is not None else ""
    console.print("Next:")
    for line in verdict.next_commands:
        console.print(f"  {safe(line + at)}", soft_wrap=True)


def _limit(row: Any) -> str:
    """The limit of a tile with its state."""
    if not row.limit:
        return "[dim]none[/dim]"
    return f"{safe(row.limit)}\n{state(row.state)}"


def ingest_summary(console: Console, report: IngestReport) -> None:
    """What every file became."""
    table = grid("file", "state", ("read", "right"), ("rejected", "right"), "stored")
    for file in report.files:
        stored = ", ".join(
            f"{name} {inserted:,}" + (f" ({collapsed:,} identical left out)" if collapsed else "")
            + (f" ({differing:,} differing duplicates)" if differing else "")
            for name, (inserted, collapsed, differing) in file.tables.items()
        )  # fmt: skip
        table.add_row(
            safe(Path(file.file).name), file.state, f"{file.read:,}", f"{file.rejected:,}", safe(stored) or "–"
        )
    console.print(table)
    for file in report.files:
        if file.state == "unchanged":
            console.print(f"  {safe(Path(file.file).name)}: the same content was loaded before; nothing to do")
        for reason, count in file.reasons.items():
            console.print(f"  [yellow]rejected {count:,}:[/yellow] {safe(reason)}")
        if file.parts:
            told = ", ".join(f"{kind} {read:,} ({Path(name).name})" for name, kind, read, _ in file.parts)
            console.print(f"  [dim]read: {safe(told)}[/dim]")
        # what the export cannot tell comes first; which columns it has besides is for those who look for one
        for notice in sorted(file.notices, key=lambda text: text.startswith("columns not")):
            long = notice.startswith("columns not") and len(notice) > _LONGEST_NOTE and bool(file.parts)
            shown = notice[:_LONGEST_NOTE] + " … (all of them: --json)" if long else notice
            console.print(f"  [dim]note: {safe(shown)}[/dim]")
    if report.rejected:
        console.print("  Rejected rows are in the table [bold]rejects[/bold] (file, row, column, value, reason).")


def doctor_line(console: Console, report: DoctorReport) -> None:
    """What is now possible, in one line, and what to do next."""
    possible = [
        finding.subject + (" (approximate)" if finding.state == "approximate" else "")
        for finding in report.findings
        if finding.state != "impossible"
    ]
    console.print(f"\nNow possible: {safe(', '.join(possible)) or 'nothing yet'}")
    console.print("Next:  triage-lab doctor   (what is not possible, and why)")


def doctor_table(console: Console, report: DoctorReport) -> None:
    """What is loaded, what came in, what is possible, what is missing."""
    from triage_lab.cli import terminal_doctor

    loaded = ", ".join(f"{facts.table} {facts.rows:,}" for facts in report.tables) or "nothing"
    console.print(f"[bold]{safe(report.lab)}[/bold] · {safe(report.database)} · {safe(loaded)}")
    if report.first_at:
        console.print(f"tickets arrived {safe(report.first_at)} to {safe(report.last_at)} UTC")
    console.print(
        f"operations: {safe(report.operations or 'none (routing only)')} · policies: "
        f"{safe(', '.join(report.policies) or 'none')}"
    )
    terminal_doctor.heading(console, report)
    table = grid("", "what", "why")
    for finding in report.findings:
        table.add_row(state(finding.state), safe(finding.subject), safe(finding.reason))
    console.print(table)
    _next(console, report.next_commands)


def gates_table(console: Console, report: CheckReport) -> None:
    """Gates that do not pass, worst first, with failing ids by example; passes counted by table."""
    order = {"fail": 0, "error": 1, "warn": 2, "skipped": 3, "pass": 4}
    open_gates = sorted(
        (result for result in report.results if str(result.state) not in ("pass", "skipped")),
        key=lambda item: (order[str(item.state)], str(item.severity), item.gate_id),
    )
    if open_gates:
        table = grid("", "gate", ("rows", "right"), ("failing", "right"), "owner")
        for result in open_gates:
            engine = f" ({result.engine})" if report.compared else ""
            title = f"{safe(result.title)}{engine}\n[dim]{result.severity} · {safe(result.gate_id)}[/dim]"
            detail = _detail(result)
            title += f"\n[dim]{safe(detail)}[/dim]" if detail else ""
            table.add_row(state(str(result.state)), title, f"{result.n:,}", _failed(result), safe(result.owner))
        console.print(table)
    skipped = [result for result in report.results if str(result.state) == "skipped"]
    if skipped:
        critical = [result.gate_id for result in skipped if str(result.severity) == "critical"]
        console.print(
            f"[magenta]– {len(skipped)} skipped: no data to look at[/magenta]  [dim]{_by_table(skipped)}[/dim]"
        )
        if critical:
            console.print(f"  critical among them: {safe(', '.join(critical))}")
    passed = [result for result in report.results if str(result.state) == "pass"]
    console.print(f"[green]✓ {len(passed)} of {len(report.results)} pass[/green]  [dim]{_by_table(passed)}[/dim]")
    if report.compared:
        agreed = "both engines agree on every gate" if not report.disagreements else "the engines disagree"
        console.print(agreed)
    for item in report.disagreements:
        console.print(f"[red]engines disagree:[/red] {safe(item)}")
    if any(str(result.state) in ("fail", "warn") for result in report.results):
        console.print("All failing ids: table [bold]gate_failures[/bold] (gate, key, column, value), run 'check'.")


def _by_table(results: Sequence[GateResult]) -> str:
    """How many gates of each table."""
    counts: dict[str, int] = {}
    for result in results:
        counts[result.table] = counts.get(result.table, 0) + 1
    return ", ".join(f"{table} {count}" for table, count in sorted(counts.items()))


def _failed(result: GateResult) -> str:
    """Offenders, or the value of a scalar gate."""
    if result.value is not None and result.failed == 0 and "share" not in result.limit:
        return f"{result.value:g}"
    return f"{result.failed:,}"


def _detail(result: GateResult) -> str:
    """Reason, or the first failing ids."""
    if result.reason:
        return result.reason
    return ("e.g. " + ", ".join(result.sample)) if result.sample else ""


def policy_table(console: Console, view: PolicyView) -> None:
    """A policy in evaluation order."""
    console.print(
        f"[bold]{safe(view.name)}[/bold] {safe(view.version)} · {safe(view.stage)} · {safe(view.file)} · "
        f"digest {view.digest[:12]}"
    )
    table = grid(("#", "right"), "kind", "id", "when", "then")
    for number, row in enumerate(view.rows, start=1):
        table.add_row(str(number), safe(row.kind), safe(row.item_id), safe(row.when), safe(row.then))
    console.print(table)
    for warning in view.warnings:
        console.print(f"[yellow]warning:[/yellow] {safe(warning)}")


def policy_tests(console: Console, reports: Sequence[PolicyReport]) -> None:
    """Every test of every policy; failing ones say what came instead."""
    for report in reports:
        total = len(report.cases)
        mark = state("pass") if not report.failed else state("fail")
        name = f"{safe(report.policy.name)} {safe(report.policy.version)}"
        console.print(f"{mark}  {name}: {total - report.failed} of {total} tests")
        for case in report.cases:
            if not case.passed:
                console.print(f"   [red]✗ {safe(case.name)}[/red]: {safe(case.message)}")


def columns_table(console: Console, columns: Sequence[ContextColumn]) -> None:
    """Columns that a rule may read."""
    table = grid("column", "type", "unit", "null", "source", "as of", "meaning")
    for column in columns:
        table.add_row(
            safe(column.name), str(column.kind), safe(column.unit), "yes" if column.nullable else "no",
            safe(column.source), safe(column.as_of), safe(column.meaning),
        )  # fmt: skip
    console.print(table)


def runs_table(console: Console, lines: Sequence[RunLine]) -> None:
    """Recorded runs, newest first."""
    if not lines:
        console.print("no run is recorded yet\nNext:  triage-lab backtest POLICY")
        return
    table = grid("run", "started (UTC)", "what", ("tickets", "right"), ("seconds", "right"))
    table.columns[0].no_wrap = table.columns[1].no_wrap = True  # an id that is folded cannot be copied
    for line in lines:
        table.add_row(
            line.run_id, safe(line.started_at[:16]), _what(line),
            f"{line.tickets:,}" if line.tickets is not None else "–",
            f"{line.wall_seconds:.1f}" if line.wall_seconds is not None else "–",
        )  # fmt: skip
    console.print(table)
    _next(console, (f"triage-lab runs {lines[0].run_id}", f"triage-lab scorecard {lines[0].run_id}"))


def _what(line: RunLine) -> str:
    """Both policies of a run, and its verdict where its files are there."""
    names = f"{safe(line.candidate)} against {safe(line.baseline)}"
    return f"{names}\n[dim]{safe(line.verdict)}[/dim]" if line.verdict else names


def settings_table(console: Console, settings: Sequence[Setting]) -> None:
    """Settings with their origin."""
    table = grid("setting", "value", "from")
    for setting in settings:
        table.add_row(safe(setting.name), safe(setting.value), safe(setting.origin))
    console.print(table)


def explanation(console: Console, report: Any) -> None:
    """Why a ticket went where it went."""
    console.print(f"[bold]{safe(report.ticket_id)}[/bold] arrived {safe(report.arrived_at)} · {safe(report.policy)}")
    console.print(f"{safe(report.sentence)}")
    for notice in report.notices:
        console.print(f"[yellow]note:[/yellow] {safe(notice)}")
    console.print()
    table = grid("", "item", "when", "why")
    for line in report.lines:
        word = {
            "true": "[green]✓ true[/green]",
            "false": "[dim]✗ false[/dim]",
            "unknown": "[magenta]? unknown[/magenta]",
        }[line.truth]
        table.add_row(
            word + (" [bold]decides[/bold]" if line.decides else ""),
            safe(line.item_id),
            safe(line.when),
            safe(line.why),
        )
    console.print(table)
    if report.near_misses:
        console.print("[bold]One condition away[/bold]")
        for text in report.near_misses:
            console.print(f"  {safe(text)}")
    values = grid("value read", "", "source", "known since", "age", title="What the rules saw")
    for value in report.values:
        values.add_row(safe(value.column), safe(value.value), safe(value.source), safe(value.as_of), safe(value.age))
    console.print(values)
    if report.timeline:
        timeline = grid("time (UTC)", "arm", "what", title="What happened")
        for event in report.timeline:
            timeline.add_row(safe(event.at), safe(event.arm), safe(event.what))
        console.print(timeline)


def _next(console: Console, commands: Sequence[str]) -> None:
    """The next commands to try."""
    console.print("Next:")
    for line in commands:
        console.print(f"  {safe(line)}")
