"""Pure rendering of a Result: result.json, the HTML scorecard, Markdown, figures, JUnit and SARIF."""

from triage_lab.report.scorecard import render_scorecard, render_summary
