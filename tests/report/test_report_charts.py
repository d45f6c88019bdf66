"""Geometry of the charts: pure, inside the drawing, true to the numbers."""

from __future__ import annotations

import itertools
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from results_for_report import comparison, curve, load, measure, queues, routes

from triage_lab.domain.enums import Grade
from triage_lab.domain.result import RouteCell, SlaCounts
from triage_lab.report.charts import bars, matrix, multiples, rows, survival, tile
from triage_lab.report.charts.axis import Axis, spanning, ticks
from triage_lab.report.charts.interval import lane
from triage_lab.report.numbers import DASH, scale_for

PERCENT = scale_for("fraction", [0.5])


def at(text: str | None) -> float:
    """Per cent text as a number."""
    assert text is not None
    return float(text.removesuffix("%"))


@settings(deadline=None, max_examples=60)
@given(values=st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=8), margin=st.floats(0, 0.3))
def test_every_value_lies_inside_its_axis(values: list[float], margin: float) -> None:
    axis = spanning(values, margin)
    assert axis.high > axis.low
    assert all(0 <= at(axis.at(value)) <= 100 for value in values)
    span = axis.high - axis.low
    assert all(axis.low - 1e-6 * span <= tick <= axis.high + 1e-6 * span for tick in ticks(axis))


def test_an_axis_of_rates_stays_inside_zero_and_one() -> None:
    axis = rows.axis_of(
        [measure("m", "candidate", 0.999, 0.01, 9, 3), measure("m", "candidate", 0.01, 0.05, 9, 3)], PERCENT, name="x"
    )
    assert axis.axis.low == 0.0 and axis.axis.high == 1.0
    assert [tick.text for tick in axis.ticks] == ["0", "20", "40", "60", "80", "100"]
    assert axis.ticks[0].anchor == "" and axis.ticks[-1].anchor == "end"


@pytest.mark.parametrize(
    ("grade", "stroke"),
    [(Grade.OBSERVED, "obs"), (Grade.REPLAYED, "rep"), (Grade.SIMULATED, "sim"), (Grade.EXTRAPOLATED, "ext")],
)
def test_the_stroke_shows_the_grade(grade: Grade, stroke: str) -> None:
    drawn = lane(
        measure("m", "candidate", 0.5, 0.1, 9, 3, grade=grade),
        Axis(0, 1),
        name="new",
        tone="ca",
        y=1,
        radius=2,
        scale=PERCENT,
    )
    assert drawn is not None
    assert drawn.stroke == stroke
    assert (drawn.x1, drawn.cx, drawn.x2) == ("40%", "50%", "60%")
    assert grade.value in drawn.title and "n 9" in drawn.title and "3 accounts" in drawn.title


def test_no_value_gives_no_lane_and_no_interval_gives_no_bar() -> None:
    assert lane(None, Axis(0, 1), name="n", tone="ca", y=1, radius=1, scale=PERCENT) is None
    assert (
        lane(measure("m", "candidate", None, None, 0, 0), Axis(0, 1), name="n", tone="ca", y=1, radius=1, scale=PERCENT)
        is None
    )
    bare = lane(
        measure("m", "candidate", 0.5, None, 1, 1), Axis(0, 1), name="n", tone="ca", y=1, radius=1, scale=PERCENT
    )
    assert bare is not None and bare.x1 is None and "no interval" in bare.title


def test_tile_places_the_limit_on_the_axis_of_its_arms() -> None:
    drawn = tile.geometry(comparison("m", 0.869, 0.918, 0.01, 100, 50), PERCENT, name="SLA", limit=0.9, limit_text="90")
    before, after = (at(item.cx) for item in drawn.lanes)
    assert before < at(drawn.limit_x) < after
    assert drawn.label == "SLA: today 86.9\u202f%, new policy 91.8\u202f%, limit 90"


def test_survival_steps_never_rise_and_start_at_the_left_edge() -> None:
    drawn = survival.geometry([curve("baseline", 64.0, 1000), curve("candidate", 38.0, 1000)], name="wait")
    for shape in drawn.curves:
        points = [tuple(map(float, pair.split())) for pair in re.split("[ML]", shape.line) if pair]
        assert points[0][0] == 0 and points[-1][0] == 1000
        assert all(left[0] <= right[0] and left[1] <= right[1] + 1e-9 for left, right in itertools.pairwise(points))
        assert shape.band.endswith("Z")
    new, today = drawn.curves[1], drawn.curves[0]
    assert at(new.median_x) < at(today.median_x)
    assert (new.anchor, today.anchor) == ("end", "")
    assert drawn.label == "wait: median today: 64 min, new: 38 min"


def test_survival_without_median_says_so() -> None:
    late = survival.geometry([curve("candidate", 1e9, 1000)], name="wait")
    held = curve("candidate", 1e9, 1000)
    none = survival.geometry(
        [type(held)("candidate", "m", held.minutes, held.waiting, (), (), held.at_risk, None)], name="wait"
    )
    assert late.curves[0].median_text.endswith(" d")
    assert none.curves[0].median_x is None and none.curves[0].band == ""
    assert "fewer than half" in none.label


def test_waiting_is_read_off_the_step_that_holds() -> None:
    some = curve("candidate", 38.0, 1000)
    assert survival.waiting_at(some, some.minutes[7] + 1e-6) == some.waiting[7]
    assert survival.waiting_at(some, 0.0) == 1.0
    times = survival.round_times([some])
    assert len(times) <= 6 and list(times) == sorted(times)


def test_matrix_keeps_every_ticket() -> None:
    cells = [*routes(), *(RouteCell(f"team-{index}", "billing", 10 + index, 1, 2, 0) for index in range(14))]
    drawn = matrix.geometry(cells)
    assert drawn.folded > 0 and drawn.owners[-1] == matrix.REST
    assert drawn.total == f"{sum(cell.tickets for cell in cells):,}"
    assert sum(int(row.total.replace(",", "")) for row in drawn.rows) == sum(cell.tickets for cell in cells)
    assert sum(int(total.replace(",", "")) for total in drawn.totals) == sum(cell.tickets for cell in cells)


def test_matrix_washes_by_net_and_outlines_the_deepest() -> None:
    drawn = matrix.geometry(routes())
    found = {
        (row.owner, owner): cell for row in drawn.rows for owner, cell in zip(drawn.owners, row.cells, strict=True)
    }
    assert found["billing", "renewal-sme"].wash == "p3" and found["billing", "renewal-sme"].net == "+900"
    assert found["support-apac", "support"].wash.startswith("m")
    assert found["support", "support"].wash == "dg" and found["support", "support"].net == ""
    assert found["renewal-sme", "legal-ops"].tickets == DASH


def test_matrix_cell_without_truth_is_a_dash_not_a_zero() -> None:
    drawn = matrix.geometry([RouteCell("a", "b", 5, 0, 0, 5), RouteCell("a", "a", 9, 0, 0, 9)])
    found = {
        (row.owner, owner): cell for row in drawn.rows for owner, cell in zip(drawn.owners, row.cells, strict=True)
    }
    assert found["a", "b"].net == DASH and "5 without a known truth" in found["a", "b"].title


def test_short_hours_count_only_open_hours() -> None:
    closed = load("candidate", "t", 3, 4.0, 8, 18, 0, 12.0)
    assert 0 < multiples.short_hours(closed) < 10
    assert closed.capacity[2] == 0 and closed.demand[2] > 0


def test_panels_draw_excess_only_above_an_open_roof() -> None:
    pairs = {(item.team, item.arm): item for item in queues()}
    short = multiples.geometry(pairs["legal-ops", "baseline"], pairs["legal-ops", "candidate"])
    calm = multiples.geometry(pairs["support", "baseline"], pairs["support", "candidate"])
    assert len(short.excess) == multiples.short_hours(pairs["legal-ops", "candidate"]) > 0
    assert calm.excess == ()
    assert "on shift" in calm.label and calm.label.startswith("support: today needs")


def test_four_parts_add_up_to_the_bar() -> None:
    counts = SlaCounts("candidate", "first_action", {}, 80, 10, 5, 5)
    pieces = bars.four(counts, 200)
    assert [piece.css for piece in pieces] == ["f-met", "f-br", "f-op", "f-na"]
    assert at(pieces[-1].x) + at(pieces[-1].width) == pytest.approx(50, abs=0.3)
    assert bars.four(SlaCounts("candidate", "x", {}, 0, 0, 0, 0), 0) == ()


@settings(deadline=None, max_examples=60)
@given(nets=st.lists(st.integers(-5000, 5000), min_size=1, max_size=8))
def test_net_bars_start_at_zero(nets: list[int]) -> None:
    for value in nets:
        bar = bars.net(value, nets)
        zero, left, width = at(bar.zero), at(bar.x), at(bar.width)
        assert left == pytest.approx(zero if value >= 0 else zero - width, abs=0.02)
        assert 0 <= zero <= 100 and 0 <= at(bar.dot) <= 100


def test_the_top_of_a_share_axis_is_round() -> None:
    assert bars.round_top([]) == 0.01 and bars.round_top([0.041]) == 0.05 and bars.round_top([0.7]) == 1.0
    assert bars.share_width(0.5, 1.0) == "50%" and bars.share_width(2.0, 1.0) == "100%"
