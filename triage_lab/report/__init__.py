"""Pure rendering of a Result: result.json, the HTML scorecard, Markdown, figures, JUnit and SARIF."""

from triage_lab.report.figures import figure
from triage_lab.report.junit import junit
from triage_lab.report.markdown import render_markdown
from triage_lab.report.result_json import from_json, schema, schema_text, to_json
from triage_lab.report.sarif import sarif
from triage_lab.report.scorecard import render_scorecard, render_summary
from triage_lab.report.wording import SummaryRow, summary_lines, summary_rows

__all__ = [
    "SummaryRow",
    "figure",
    "from_json",
    "junit",
    "render_markdown",
    "render_scorecard",
    "render_summary",
    "sarif",
    "schema",
    "schema_text",
    "summary_lines",
    "summary_rows",
    "to_json",
]
