"""The scorecard: one self-contained HTML page, a pure function of a result."""

from __future__ import annotations

import base64
import functools
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from triage_lab.domain.result import Result
from triage_lab.report import findings
from triage_lab.report.numbers import clean
from triage_lab.report.sections import data, enrichment, first, method, readiness, routing, service

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATES = Path(__file__).parent / "templates"
MOST_BYTES = 400_000
MOST_TEXT = 800  # longest text that any expression of a template may print
SECTIONS = (
    ("service-levels", "Service levels"),
    ("routing", "Routing"),
    ("enrichment", "Enrichment"),
    ("data-quality", "Data quality"),
    ("readiness", "Readiness"),
    ("method", "Method and provenance"),
)


def render_scorecard(result: Result) -> str:
    """Return the scorecard page of a result.

    Parameters
    ----------
    result : Result

    Returns
    -------
    str
        A complete HTML document: no remote asset, a Content-Security-Policy with the hashes of its one style and
        one script, the same bytes for the same result.
    """
    for rows in method.NUMBERS:
        page = _page(result, rows)
        if len(page.encode()) <= MOST_BYTES:
            break
    return page


def _page(result: Result, rows: int) -> str:
    """The page with at most ``rows`` lines in its longest table."""
    style, script = _asset("page.css"), _asset("page.js")
    return _environment().get_template("scorecard.html.j2").render(
        style=_trusted(style),
        script=_trusted(script),
        policy=f"default-src 'none'; style-src '{csp_hash(style)}'; script-src '{csp_hash(script)}'; img-src data:; "
        "base-uri 'none'; form-action 'none'",
        **_views(result, rows),
    )  # fmt: skip


def render_summary(result: Result) -> str:
    """Return the first screen as an HTML fragment for a notebook.

    Notes
    -----
    A notebook shows fragments of many sources on one page, so this one brings no page-wide style and no script: its
    few rules are bound to a class of its own, and it follows the notebook's own colours of text and ground.
    """
    return _environment().get_template("summary.html.j2").render(
        style=_trusted(_asset("summary.css")), first=first.view(result)
    )  # fmt: skip


def _views(result: Result, rows: int) -> dict[str, Any]:
    """Everything that the templates read."""
    return {
        "first": first.view(result),
        "service": service.view(result),
        "routing": routing.view(result),
        "enrichment": enrichment.view(result),
        "data": data.view(result),
        "readiness": readiness.view(result),
        "method": method.view(result, rows),
        "titles": _titles(result),
        "sections": SECTIONS,
        "desk": result.scope.mode == "desk",
    }


def _titles(result: Result) -> dict[str, str]:
    """The finding of each section and chart, and the decks."""
    metrics = sorted(
        {curve.metric for curve in result.curves if curve.minutes},
        key=lambda name: (name != service.FIRST_ACTION, name),
    )
    return {
        "service": findings.service_title(result),
        "service_deck": findings.service_deck(result),
        **{f"wait_{index}": findings.wait_title(result, name) for index, name in enumerate(metrics)},
        "routing": findings.routing_title(result),
        "routing_deck": findings.routing_deck(result),
        "rules": findings.rules_title(result),
        "load": findings.load_title(result),
        "enrichment": findings.enrichment_title(result),
        "data": findings.data_title(result),
        "readiness": findings.readiness_title(result),
        "method": findings.method_title(result),
    }


def csp_hash(text: str) -> str:
    """The source expression by which a Content-Security-Policy admits one inline element.

    Notes
    -----
    Base64 of the SHA-256 of the element's UTF-8 text (Content Security Policy Level 3, section 2.3.1).
    """
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


@functools.cache
def _asset(name: str) -> str:
    """A style or script file; a closing tag inside would end its element early, so there must be none."""
    text = (TEMPLATES / name).read_text("utf-8")
    if "</" in text:
        raise ValueError(f"{name} holds a closing tag")
    return text


def _trusted(text: str) -> Any:
    """Mark text of this package as safe to print as it is."""
    from markupsafe import Markup

    return Markup(text)  # noqa: S704


@functools.cache
def _environment() -> Environment:
    """The template environment: everything is escaped, nothing undefined is printed."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_finalize,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def _finalize(value: object) -> object:
    """Last guard before the page: bounded text without controls; numbers and marked text pass."""
    from markupsafe import Markup

    if isinstance(value, str) and not isinstance(value, Markup):
        return clean(value, MOST_TEXT)
    return value
