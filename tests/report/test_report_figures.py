"""Figures of notebooks: drawn from the same numbers, in the same colours."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from results_for_report import comparison, curve, full_result, routing_result, segments

from triage_lab.domain.errors import UsageError
from triage_lab.report import figure
from triage_lab.report.figures import BASELINE, CANDIDATE, NAMES


@pytest.mark.parametrize("name", NAMES)
def test_figures_draw_without_a_display(name: str) -> None:
    drawn = figure(full_result(), name)
    target = io.BytesIO()
    drawn.savefig(target, format="png", dpi=50)
    assert target.getvalue().startswith(b"\x89PNG")


def test_segments_are_rows_with_two_dots() -> None:
    axes = figure(full_result(), "sla_by_segment").axes[0]
    dots = [line for line in axes.lines if line.get_marker() == "o"]
    assert len(dots) == 2 * (len(segments()) + 1)
    assert {line.get_markeredgecolor() for line in dots} == {BASELINE, CANDIDATE}
    labels = [text.get_text() for text in axes.get_yticklabels()]
    assert labels[0] == "High MRR · rule renewal-dispute" and labels[-1] == "All tickets"
    assert "gains most" in axes.get_title(loc="left")


def test_curve_labels_both_medians() -> None:
    axes = figure(full_result(), "first_action_curve").axes[0]
    assert {text.get_text() for text in axes.texts} == {"today: 64 min", "new policy: 38 min"}


def test_names_that_look_like_formulas_are_text() -> None:
    odd = comparison("sla_compliance", 0.5, 0.9, 0.01, 90, 30, segment={"rule": "$x_{1$"})
    axes = figure(replace(full_result(), comparisons=(odd,)), "sla_by_segment").axes[0]
    axes.figure.savefig(io.BytesIO(), format="png", dpi=40)
    assert axes.get_yticklabels()[0].get_text() == "Rule $x_{1$"


def test_refusals_say_what_would_be_right() -> None:
    with pytest.raises(UsageError, match="no figure 'pie'"):
        figure(full_result(), "pie")
    for name in NAMES:
        with pytest.raises(UsageError, match=r"no operations\.yaml"):
            figure(routing_result(), name)


def test_a_curve_without_median_or_bands_still_draws() -> None:
    bare = replace(curve("candidate", 38.0, 100), median=None, low=(), high=())
    figure(replace(full_result(), curves=(bare,)), "first_action_curve").savefig(io.BytesIO(), format="png", dpi=40)
