"""The summary as Markdown: complete, stable, inert."""

from __future__ import annotations

import re

import pytest
from results_for_report import HOSTILE, full_result, hostile_result, routing_result

from triage_lab.domain.enums import VerdictWord
from triage_lab.report import render_markdown
from triage_lab.report.markdown import escape


def test_headings_and_order() -> None:
    text = render_markdown(full_result())
    assert [line for line in text.splitlines() if line.startswith("#")] == [
        "# billing-protection 2026.11.1 against today’s routing, current 2026.9.3",
        "## ✗ NO-GO",
        "### Two of 14 gates block",
        "### What gets worse",
        "### Launch checklist: 3 green, 2 red, 4 missing",
        "### Next",
    ]
    assert text.endswith("scorecard.html.\n")
    assert render_markdown(full_result()) == text


@pytest.mark.parametrize("word", list(VerdictWord))
def test_the_verdict_leads(word: VerdictWord) -> None:
    assert re.search(rf"^## . {word.value}$", render_markdown(full_result(word)), flags=re.M)


def test_table_has_six_columns_in_every_row_whatever_the_text() -> None:
    for build in (full_result, routing_result, hostile_result):
        rows = [line for line in render_markdown(build()).splitlines() if line.startswith("|")]
        assert len(rows) == 7
        assert all(len(re.findall(r"(?<!\\)\|", row)) == 7 for row in rows)


def test_hostile_text_is_inert() -> None:
    text = render_markdown(hostile_result())
    assert HOSTILE not in text.replace("`" + HOSTILE + "`", "")
    assert not re.search(r"(?<!\\)<script", re.sub(r"`[^`]*`", "", text))
    assert "\u202e" not in text and "\x00" not in text
    assert "w" * 700 not in text


def test_escape() -> None:
    assert escape("a|b\n<i> [x](y) `c` *d* @e") == "a\\|b \\<i\\> \\[x\\](y) \\`c\\` \\*d\\* \\@e"


def test_a_routing_run_says_why() -> None:
    assert "not possible: no operations.yaml" in render_markdown(routing_result())
