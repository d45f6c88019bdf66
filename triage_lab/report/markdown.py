"""The first screen as Markdown, for pull requests, wikis and chat."""

from __future__ import annotations

import re

from triage_lab.domain.result import Result
from triage_lab.report.numbers import DASH
from triage_lab.report.sections import first
from triage_lab.report.sections.limits import GateRow
from triage_lab.report.wording import summary_rows

_SIGNS = {"ok": "✓", "no": "✗", "wa": "△", "un": "◇", "na": DASH}
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~&@])")


def escape(text: str) -> str:
    r"""Return text that Markdown prints as it is: no markup, no HTML, no table bars, no mentions.

    Examples
    --------
    >>> escape("a|b <i>")
    'a\\|b \\<i\\>'
    """
    return _SPECIAL.sub(r"\\\1", text.replace("\n", " "))


def _code(text: str) -> str:
    """A command in backticks that the text cannot close."""
    return f"`{text.replace('`', chr(39))}`"


def render_markdown(result: Result) -> str:
    """Return the summary page of a result as Markdown.

    Parameters
    ----------
    result : Result

    Returns
    -------
    str
        Title, verdict, the five measures, gates, what gets worse, the nine launch items, next commands; a newline at
        the end; the same bytes for the same result.
    """
    page = first.view(result)
    lines = [f"# {escape(page.title)} {escape(page.against)}", "", escape(" · ".join(page.facts)), ""]
    lines += [f"> △ {escape(notice)}" for notice in page.notices]
    if page.notices:
        lines.append("")
    lines += [
        f"## {_SIGNS[page.verdict.symbol]} {' '.join(page.word)}",
        "",
        escape("".join(p.text for p in page.sentence)),
        "",
    ]
    if page.comparison:
        lines += [escape("".join(piece.text for piece in page.comparison)), ""]
    return "\n".join([*lines, *_tiles(result), *_gates(page), *_harms(page), *_items(page), *_next(page)]) + "\n"


def _tiles(result: Result) -> list[str]:
    """The five measures as a table."""
    lines = [
        "| Measure | Today | New policy | Difference (95\u202f% interval) | Limit | Evidence |",
        "|---|---:|---:|---:|---|---|",
    ]
    for row in summary_rows(result):
        limit = f"{row.limit}: {row.state.replace('_', ' ')}" if row.limit else DASH
        evidence = f"{row.grade}, n {row.n}" if row.grade else row.reason or DASH
        cells = (row.label, row.baseline, row.candidate, row.difference, limit, evidence)
        lines.append("| " + " | ".join(escape(cell) for cell in cells) + " |")
    return [*lines, ""]


def _gate(row: GateRow) -> str:
    """One gate as a list item."""
    measured = f"{row.value}" + (f" ({row.interval})" if row.interval else "")
    evidence = f", {row.grade}, {row.n}" if row.grade else ""
    reason = f": {row.reason}" if row.reason else ""
    return f"- {_SIGNS[row.mark.symbol]} " + escape(f"{row.title}, needs {row.needs}, is {measured}{evidence}{reason}")


def _gates(page: first.FirstView) -> list[str]:
    """Gates that block or are open, and the folded ones by name."""
    lines = [f"### {escape(page.gates.title)}", "", *(_gate(row) for row in page.gates.rows)]
    lines += [f"- {_SIGNS[fold.mark.symbol]} {escape(f'{fold.lead} {fold.names}')}" for fold in page.gates.folded]
    return [*lines, ""]


def _harms(page: first.FirstView) -> list[str]:
    """What gets worse."""
    lines = ["### What gets worse", ""]
    if not page.harms:
        return [*lines, escape(page.harmless), ""]
    return [
        *lines,
        *(f"- {escape(f'{harm.label}: {harm.amount}, {harm.line}, {harm.grade}, {harm.n}')}" for harm in page.harms),
        "",
    ]


def _items(page: first.FirstView) -> list[str]:
    """The nine launch items."""
    lines = [f"### {page.items_title}", ""]
    for item in page.items:
        todo = "" if item.mark.word == "green" else f": {item.action}"
        lines.append(f"- {_SIGNS[item.mark.symbol]} " + escape(f"{item.name} ({item.mark.word}){todo}"))
    return [*lines, ""]


def _next(page: first.FirstView) -> list[str]:
    """Commands to try next, and the run."""
    lines = ["### Next", "", *(f"- {_code(command)}" for command in page.commands), ""] if page.commands else []
    return [
        *lines,
        f"Run {_code(page.run_id)} of {escape(page.lab)}; every number is in result.json and on scorecard.html.",
    ]
