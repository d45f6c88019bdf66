"""The page: complete without a network, inert to hostile text, small, the same bytes for the same result."""

from __future__ import annotations

import html.parser
import itertools
import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from results_for_report import (
    HOSTILE,
    comparison,
    enrichment,
    field,
    full_result,
    gates,
    hostile_result,
    queues,
    routing_result,
)

from triage_lab.domain.enums import VerdictWord
from triage_lab.domain.result import Result, RouteChange, RuleUse
from triage_lab.report import from_json, render_scorecard, render_summary, to_json
from triage_lab.report.scorecard import MOST_BYTES, SECTIONS, csp_hash

BUILDERS: tuple[Callable[[], Result], ...] = (full_result, routing_result, hostile_result)
VOID = {"meta", "br", "line", "path", "circle", "rect", "use", "img", "input", "link", "hr"}


class Page(html.parser.HTMLParser):
    """What a reader of the markup finds: tags with attributes, headings with text, and whether tags nest."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.headings: list[tuple[str, str]] = []
        self.open: list[str] = []
        self.crossed: list[str] = []
        self.raw: dict[str, str] = {"style": "", "script": ""}
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)
        if re.fullmatch("h[1-6]", tag):
            self.headings.append((tag, ""))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if self.open and self.open[-1] == tag:
            self.open.pop()
        else:
            self.crossed.append(tag)

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] in self.raw:
            self.raw[self.open[-1]] += data
        level = next((tag for tag in reversed(self.open) if re.fullmatch("h[1-6]", tag)), None)
        if level is not None:
            self.headings[-1] = (level, self.headings[-1][1] + data)

    def attributes(self, name: str) -> list[str]:
        """All values of one attribute."""
        return [attrs[name] or "" for _, attrs in self.tags if name in attrs]


@pytest.fixture(scope="module", params=BUILDERS, ids=lambda build: build.__name__)
def page(request: pytest.FixtureRequest) -> Page:
    return Page(render_scorecard(request.param()))


def test_tags_nest(page: Page) -> None:
    assert page.crossed == [] and page.open == []


def test_nothing_is_fetched_from_anywhere(page: Page) -> None:
    addresses = page.attributes("href") + page.attributes("src") + page.attributes("action")
    assert addresses and all(address.startswith("#") for address in addresses)
    assert "url(http" not in page.raw["style"] and "@import" not in page.raw["style"]
    assert all(tag not in {"link", "iframe", "object", "embed", "img", "base", "form"} for tag, _ in page.tags)


def test_no_inline_handler_and_no_style_attribute(page: Page) -> None:
    names = {name for _, attrs in page.tags for name in attrs}
    assert "style" not in names
    assert not {name for name in names if name.startswith("on")}
    assert not [value for value in page.attributes("href") if value.lower().startswith("javascript")]


def test_the_policy_admits_exactly_the_one_style_and_the_one_script(page: Page) -> None:
    policy = next(attrs["content"] for tag, attrs in page.tags if tag == "meta" and attrs.get("http-equiv"))
    assert policy is not None
    parts = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    assert parts["default-src"] == "'none'" and parts["base-uri"] == "'none'" and parts["form-action"] == "'none'"
    assert parts["style-src"] == f"'{csp_hash(page.raw['style'])}'"
    assert parts["script-src"] == f"'{csp_hash(page.raw['script'])}'"
    assert [tag for tag, _ in page.tags].count("script") == 1 and [tag for tag, _ in page.tags].count("style") == 1


def test_the_policy_stands_before_anything_that_it_governs(page: Page) -> None:
    order = [tag for tag, _ in page.tags]
    assert order.index("meta") < order.index("style") < order.index("script")
    policy = next(index for index, (tag, attrs) in enumerate(page.tags) if attrs.get("http-equiv"))
    assert policy < order.index("style")


def test_accessible_skeleton(page: Page) -> None:
    tags = [tag for tag, _ in page.tags]
    assert tags.count("h1") == 1 and tags.count("main") == 1
    assert next(attrs for tag, attrs in page.tags if tag == "html")["lang"] == "en"
    assert any(attrs.get("class") == "skip" for tag, attrs in page.tags if tag == "a")
    levels = [int(tag[1]) for tag, _ in page.headings]
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))
    assert tags.count("caption") == tags.count("table")
    assert all("scope" in attrs for tag, attrs in page.tags if tag == "th")
    drawings = [attrs for tag, attrs in page.tags if tag == "svg"]
    named = [attrs for attrs in drawings if attrs.get("role") == "img"]
    assert named and all(attrs.get("aria-label") for attrs in named)
    assert all(
        attrs.get("role") == "img" or attrs.get("aria-hidden") == "true" or "viewbox" in attrs for attrs in drawings
    )


def test_ids_are_unique_and_every_link_arrives(page: Page) -> None:
    ids = page.attributes("id")
    assert len(ids) == len(set(ids))
    assert {address[1:] for address in page.attributes("href")} <= set(ids)
    assert {anchor for anchor, _ in SECTIONS} <= set(ids)


@pytest.mark.parametrize("build", BUILDERS)
def test_the_same_result_gives_the_same_bytes(build: Callable[[], Result]) -> None:
    first = render_scorecard(build())
    assert render_scorecard(build()) == first
    assert render_scorecard(from_json(to_json(build()))) == first


def test_bytes_do_not_hang_on_the_hash_seed() -> None:
    code = (
        "import hashlib,results_for_report as r; from triage_lab.report import render_scorecard as s, render_markdown as m, to_json as j;"
        "x=r.full_result(); print(hashlib.sha256((s(x)+m(x)+j(x)).encode()).hexdigest())"
    )
    here, root = Path(__file__).parent, Path(__file__).resolve().parents[2]
    seen = set()
    for seed, zone in (("0", "UTC"), ("1", "Asia/Tokyo")):
        env = {**os.environ, "PYTHONHASHSEED": seed, "TZ": zone, "PYTHONPATH": os.pathsep.join([str(root), str(here)])}
        done = subprocess.run(
            [sys.executable, "-c", code], env=env, capture_output=True, text=True, timeout=60, check=True
        )
        seen.add(done.stdout.strip())
    assert len(seen) == 1


def test_hostile_text_is_inert() -> None:
    text = render_scorecard(hostile_result())
    body = text[text.index("<body>") : text.rindex("<script>")]
    assert "<script" not in body.lower()
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in body
    assert '" onload="x' not in body and "&#34; onload=&#34;x" in body
    assert "{{ 7 * 7 }}" in body and ">49<" not in body
    assert not set("\x00\x07\u202e\u202c") & set(body)
    assert "w" * 500 not in re.sub(r"(?<=w)w{600,}", "", body) or len(body) < MOST_BYTES


def test_untrusted_names_are_isolated_from_the_direction_of_their_neighbours() -> None:
    text = render_scorecard(hostile_result())
    assert text.count("<bdi>") == text.count("</bdi>") > 50


def test_page_size_stays_small_even_for_a_large_lab() -> None:
    base = full_result()
    name = "team-with-a-rather-long-name-{}"
    many = tuple(
        comparison(
            "sla_compliance", 0.8, 0.9, 0.02, 400, 90, segment={"mrr_tier": "mid", "rule": f"rule-number-{index}"}
        )
        for index in range(900)
    )
    when = " AND ".join(f"column_{index} = 'some value'" for index in range(12))
    large = replace(
        base,
        comparisons=(*base.comparisons, *many),
        rules=tuple(RuleUse(f"rule-number-{index}", "rule", when, "owner", 5, 4, 3) for index in range(500)),
        gates=tuple(replace(gates()[1], gate_id=f"g{index}") for index in range(300)),
        enrichment=tuple(
            field(f"field_{index}", source, 0.9, 0.9, 100, 50) for index in range(60) for source in ("*", "crm", "clm")
        ),
        queues=tuple(replace(load, team=name.format(index)) for index in range(40) for load in queues()[:2]),
        changes=tuple(
            RouteChange("default", name.format(index), name.format(index + 1), 9, 3, 1, ("T-1",) * 5)
            for index in range(300)
        ),
    )
    text = render_scorecard(large)
    assert len(text.encode()) <= MOST_BYTES
    for told in (
        "smaller segments",
        "further items are in result.json",
        "further gates",
        "smaller routes",
        "further teams",
    ):
        assert told in text


@pytest.mark.parametrize("build", BUILDERS)
def test_usual_pages_are_well_below_the_limit(build: Callable[[], Result]) -> None:
    assert len(render_scorecard(build()).encode()) < 0.75 * MOST_BYTES


def test_skeleton_of_headings() -> None:
    found = [
        (tag, " ".join(text.replace("#", "").split())) for tag, text in Page(render_scorecard(full_result())).headings
    ]
    assert [text for tag, text in found if tag == "h2"] == [
        "Five measures, today and under the new policy",
        "Two of 14 gates block blocking first",
        "What gets worse largest certain harm",
        "Launch checklist: 3 green, 2 red, 4 missing what was found",
        "High MRR · rule renewal-dispute gains most, 22.6 points; mid MRR · rule office-hours loses 4.5 points",
        "13.5\u202f% of tickets change owner: 3,442 are put right, 1,327 put wrong".replace("\u202f", " "),
        "Two of six facts are proved right above 95 %; open_opportunity_amount, legal_flag and one more fall below",
        "5 of 10 data gates hold; “No ticket is resolved before it is created” fails",
        "Three of nine launch items are green; red: enrichment, templates; four have no evidence yet",
        "Anyone with the data can reproduce this page byte for byte",
    ]
    assert [text for tag, text in found if tag == "h1"] == [
        "billing-protection 2026.11.1 against today’s routing, current 2026.9.3"
    ]


@pytest.mark.parametrize("word", list(VerdictWord))
def test_verdict_has_word_icon_and_colour(word: VerdictWord) -> None:
    text = render_scorecard(full_result(word))
    symbol, tone = {"GO": ("ok", "go"), "NO-GO": ("no", "stop"), "NOT ENOUGH EVIDENCE": ("un", "unsure")}[word.value]
    block = text[text.index(f'<div class="verdict {tone}">') :][:600]
    assert f'<use href="#{symbol}"/>' in block
    assert " ".join(re.sub(r"<[^>]+>", " ", block).split()).startswith(word.value)
    assert f"<title>billing-protection 2026.11.1: {word.value}" in text


def test_a_routing_run_says_why_and_shows_no_zeros() -> None:
    text = render_scorecard(routing_result())
    assert text.count("not possible: no operations.yaml") >= 6
    service = text[text.index('id="service-levels"') : text.index('id="routing"')]
    assert "0.0" not in service and ">0<" not in service
    assert "Kaplan" not in service


def test_every_lane_and_number_table_shows_its_grade() -> None:
    text = render_scorecard(full_result())
    for table in re.findall(r"<table class=\"(?:seg|gates|tight waits)[^>]*>.*?</table>", text, flags=re.S):
        caption = re.search(r"<caption[^>]*>(.*?)</caption>", table, flags=re.S)
        assert caption is not None
        if "Erlang" in table:
            continue
        body = table[table.index("<tbody>") :]
        for row in body.split("<tr")[1:]:
            if re.search(r"\d", re.sub(r"<[^>]+>", "", row[row.index(">") + 1 :])):
                assert 'href="#g' in row or "not assessable" in row or "–" in row, row[:300]
    for title in re.findall(r"<g><title>((?:today|new policy) [^<]*)</title><line class=\"iv", text):
        assert re.search(r"(observed|replayed|simulated|extrapolated), n [\d,]+, [\d,]+ accounts?$", title), title


def test_marks_without_a_title_do_not_exist() -> None:
    text = render_scorecard(full_result())
    outside = re.sub(
        r"<g>.*?</g>|<symbol.*?</symbol>|<div class=\"key\">.*?</div>|<svg aria-hidden.*?</svg>", "", text, flags=re.S
    )
    assert "<circle" not in outside and "<rect" not in outside


def test_details_say_the_lookup_command_where_nothing_is_labelled() -> None:
    bare = tuple(replace(item, accuracy=None, labelled=0) for item in enrichment())
    text = render_scorecard(replace(full_result(), enrichment=bare))
    assert "triage-lab ingest --table labels labels.csv" in text


def test_summary_fragment_brings_no_script_and_no_page_wide_style() -> None:
    for build in BUILDERS:
        text = render_summary(build())
        assert "<script" not in text.lower() and "<html" not in text.lower()
        rules = text[text.index("<style>") + 7 : text.index("</style>")]
        selectors = [part for rule in rules.split("}") if "{" in rule for part in rule.split("{")[0].split(",")]
        assert selectors and all(selector.strip().startswith(".triage-lab-summary") for selector in selectors)
        page = Page(text)
        assert page.crossed == [] and page.open == []
    assert HOSTILE not in render_summary(hostile_result())
    assert "NO-GO" in render_summary(full_result())


@settings(deadline=None, max_examples=12)
@given(name=st.text(max_size=40))
def test_any_name_renders_to_well_formed_markup(name: str) -> None:
    base = routing_result()
    text = render_scorecard(
        replace(base, lab=name, changes=(RouteChange(name, name, "b", 3, 1, 0, (name,)),), notices=(name,))
    )
    found = Page(text)
    assert found.crossed == [] and found.open == []


def test_printed_words_that_no_data_may_choose() -> None:
    policy = re.search(r'content="(default-src[^"]*)"', render_scorecard(hostile_result()))
    assert policy is not None and "unsafe" not in policy[1] and HOSTILE not in policy[1]
