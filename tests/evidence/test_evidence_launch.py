"""launch.yaml: what is read, and errors that say where."""

from __future__ import annotations

from pathlib import Path

import pytest

from triage_lab.domain.enums import Severity
from triage_lab.domain.errors import ConfigError
from triage_lab.domain.verdict import ITEMS
from triage_lab.evidence import LaunchPlan, read_launch
from triage_lab.lab.documents import parse_document
from triage_lab.metrics import CATALOGUE

ITEM_LINES = "items:\n" + "".join(f"  {name}: {{owner: a, needs: b}}\n" for name in ITEMS)
KPI = """kpis:
  - id: met
    title: Targets met
    metric: sla_compliance
    at_least: 0.9
    severity: critical
    owner: ops
"""


def read(text: str) -> LaunchPlan:
    return read_launch(parse_document(text, "launch.yaml"), CATALOGUE)


def test_the_shipped_plan_is_valid_and_covers_the_tiles() -> None:
    path = Path(__file__).resolve().parents[2] / "data" / "launch.yaml"
    plan = read(path.read_text("utf-8"))
    assert [item.item for item in plan.items] == list(ITEMS)
    metrics = {kpi.metric for kpi in plan.kpis}
    assert {"sla_compliance", "misroute_resolver", "enrichment_accuracy", "mrr_late", "handoffs_per_ticket"} <= metrics
    facts = next(kpi for kpi in plan.kpis if kpi.metric == "enrichment_accuracy")
    assert (facts.relation, facts.limit, facts.bound, facts.min_n, facts.min_accounts) == (
        "above",
        0.95,
        "one_sided",
        200,
        30,
    )
    assert all(kpi.owner and kpi.title for kpi in plan.kpis)
    assert {kpi.metric for kpi in plan.kpis if kpi.primary} == {
        "sla_compliance",
        "misroute_resolver",
        "enrichment_accuracy",
    }


def test_a_limit_with_its_defaults() -> None:
    kpi = read(KPI + ITEM_LINES).kpis[0]
    assert (kpi.relation, kpi.limit, kpi.on, kpi.bound, kpi.min_n, kpi.primary) == (
        "at_least",
        0.9,
        "candidate",
        "two_sided",
        30,
        False,
    )
    assert kpi.severity is Severity.CRITICAL
    assert (kpi.place.line, kpi.place.column) == (2, 5)


@pytest.mark.parametrize(
    ("text", "where", "found"),
    [
        (KPI.replace("at_least: 0.9", "at_leest: 0.9") + ITEM_LINES, ":5:5:", "did you mean 'at_least'?"),
        (KPI.replace("    at_least: 0.9\n", "") + ITEM_LINES, ":2:5:", "no limit"),
        (KPI.replace("0.9\n", "0.9\n    above: 0.8\n") + ITEM_LINES, ":6:5:", "at_least and above together"),
        (KPI.replace("0.9", "high") + ITEM_LINES, ":5:5:", "a number"),
        (KPI.replace("0.9", "90") + ITEM_LINES, ":5:5:", "90 % is 0.90"),
        (KPI.replace("0.9", "true") + ITEM_LINES, ":5:5:", "a number"),
        (KPI.replace("sla_compliance", "sla_complience") + ITEM_LINES, ":4:5:", "did you mean 'sla_compliance'?"),
        (KPI.replace("critical", "severe") + ITEM_LINES, ":6:5:", "one of critical, warning, info"),
        (KPI.replace("    owner: ops\n", "") + ITEM_LINES, ":2:5:", "'owner' is missing"),
        (KPI.replace("owner: ops", "owner: 7") + ITEM_LINES, ":7:5:", "a text"),
        (KPI + "    min_n: 0\n" + ITEM_LINES, ":8:5:", "at least 1"),
        (KPI + "    primary: 1\n" + ITEM_LINES, ":8:5:", "true or false"),
        (KPI + KPI.removeprefix("kpis:\n") + ITEM_LINES, ":8:5:", "stands twice"),
        (ITEM_LINES, "launch.yaml:1:1:", "no list 'kpis'"),
        ("kpis: []\n" + ITEM_LINES, ":1:1:", "a list of limits"),
        ("kpis: [a]\n" + ITEM_LINES, "launch.yaml:1:8:", "not a mapping"),
        (KPI + ITEM_LINES.replace("  pilot: {owner: a, needs: b}\n", ""), ":8:1:", "'pilot' is missing"),
        (KPI + ITEM_LINES.replace("  pilot:", "  pilots:"), ":16:3:", "did you mean 'pilot'?"),
        (KPI + ITEM_LINES.replace("pilot: {owner: a, needs: b}", "pilot: {owner: a}"), ":16:3:", "'needs' is missing"),
        (KPI, "launch.yaml:1:1:", "not a mapping"),
        (KPI + ITEM_LINES + "gates: []\n", ":18:1:", "unknown key 'gates'"),
    ],
)
def test_errors_name_the_place(text: str, where: str, found: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(text)
    assert where in str(caught.value)
    assert found in str(caught.value)


def test_without_a_catalogue_any_metric_is_taken() -> None:
    text = KPI.replace("sla_compliance", "my_metric") + ITEM_LINES
    assert read_launch(parse_document(text, "launch.yaml")).kpis[0].metric == "my_metric"
