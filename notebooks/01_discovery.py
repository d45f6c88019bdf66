# ---
# jupyter:
#   jupytext:
#     formats: py:percent,ipynb
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Discovery: what is wrong today
#
# Week 0, before any rule is written: seven questions to the ticket log. Where is the volume (A1)? What is filed twice (A2)? Where are
# promises missed, and whose money is behind them (A3)? Who owns what (A4)? What are the unwritten rules (A5)? Which systems can be
# trusted (A6)? Where should a pilot start (A7)? The last page lets the shipped policy answer for itself: the first backtest.
#
# Inside a lab with tickets the notebook asks these; anywhere else it makes a small synthetic desk. To ask another lab, set
# `TRIAGE_LAB_NOTEBOOK_LAB` to its folder.
# Titles are computed, so they state what *your* log says.

# %%
import os
import tempfile
from itertools import cycle
from pathlib import Path

import matplotlib.pyplot as plt
import polars as pl
from IPython.display import Markdown

import triage_lab as tl

here = [root for root in (Path.cwd(), *Path.cwd().parents) if (root / "triage_lab.toml").exists()]
filled = [root for root in here if (root / "data" / "lab.duckdb").exists()]
folder = os.environ.get("TRIAGE_LAB_NOTEBOOK_LAB") or next(iter(filled), None)
if not folder:
    folder = Path(tempfile.mkdtemp()) / "desk"
    tl.demo(folder, tickets=4000)
lab = tl.open_lab(folder)
setting = {line.name: line.value for line in lab.settings()}

PAPER, INK, QUIET, LINE, HAIR = "#fbfaf7", "#16191d", "#626972", "#d9d5cb", "#e9e6de"
TODAY, WASH, NEW, BETTER, WORSE = "#626a74", "#dcdedf", "#0b57a4", "#006f66", "#b23c0b"
house = {"figure.facecolor": PAPER, "axes.facecolor": PAPER, "figure.dpi": 96, "font.size": 9, "xtick.color": QUIET}
house |= {f"axes.spines.{side}": False for side in ("top", "right", "left")} | {"axes.edgecolor": LINE}
plt.rcParams.update(house | {"ytick.color": INK, "xtick.major.size": 0, "ytick.major.size": 0, "axes.axisbelow": True})
pl.Config.set_tbl_rows(20).set_tbl_hide_dataframe_shape(True).set_fmt_str_lengths(70).set_float_precision(3)


def page(rows=1, columns=1, *, title, note, height=2.6):
    """Draw empty axes under a title that states the finding, with a note below that says what is plotted."""
    figure, axes = plt.subplots(rows, columns, figsize=(9.6, height), layout="constrained", squeeze=False)
    figure.suptitle(title, x=0.01, ha="left", fontsize=12, fontweight="bold", color=INK, parse_math=False)
    figure.supxlabel(note, x=0.01, ha="left", fontsize=8, color=QUIET, parse_math=False)
    return axes.ravel()


def percent(share, digits=0):
    """A share in words; a dash where there is none."""
    return "–" if share is None else f"{100 * share:.{digits}f}\u202f%"


# %% [markdown]
# ## Before any number: what can this log say?
#
# One line for each thing the lab could measure, and why not where it cannot.

# %%
report = lab.doctor()
pl.DataFrame([{"what": line.subject, "state": line.state, "why": line.reason} for line in report.findings])

# %% [markdown]
# ## Where the volume is (A1)
#
# *Late* is the vendor's own flag, under the vendor's rules; *wrong first owner* means that another team solved the ticket.

# %%
known = lab.context().select("ticket_id", "mrr", "mrr_tier", "contract_tier", "days_to_renewal")
tickets = (
    lab.table("tickets")
    .join(known, on="ticket_id", how="left")
    .sort("created_at", "ticket_id")
    .with_columns(
        late=~pl.col("sla_met"),
        wrong=pl.col("first_team_id") != pl.col("resolver_team_id"),
        who=pl.coalesce("account_id", "ticket_id"),
    )
)
total = tickets.height
late_all, wrong_all = tickets["late"].mean(), tickets["wrong"].mean()
sides = ("category", "channel", "inbox", "product_module", "mrr_tier", "contract_tier")
top = tickets["category"].drop_nulls().value_counts(sort=True)["category"].head(2).to_list()
share = tickets["category"].is_in(top).mean()

panels = page(
    2, 3, height=4.6,
    title=f"{' and '.join(top).capitalize() or 'No categories'} bring {percent(share)} of the tickets; {percent(late_all, 1)} of all are late",
    note=f"tickets and share late by the vendor's flag; orange: more than one and a half times the average; {total:,} tickets",
)  # fmt: skip
for axes, side in zip(panels, sides, strict=True):
    found = tickets.group_by(pl.col(side).fill_null("unknown")).agg(n=pl.len(), late=pl.col("late").mean())
    found = found.sort("n", side).tail(6)
    bars = axes.barh(found[side], found["n"], color=WASH)
    for bar, n, late in zip(bars, found["n"], found["late"], strict=True):
        hot = late is not None and n >= 30 and late > 1.5 * late_all
        axes.annotate(
            f"{n:,} · {percent(late)} late", (0, bar.get_y() + bar.get_height() / 2), xytext=(4, 0),
            textcoords="offset points", va="center", fontsize=8, color=WORSE if hot else INK,
            fontweight="bold" if hot else "normal",
        )  # fmt: skip
    axes.set_title(side.replace("_", " "), loc="left", fontsize=9, color=QUIET)
    axes.set_xticks([])
plt.show()

# %%
zone = setting["timezone"]
local = pl.col("created_at").dt.replace_time_zone("UTC").dt.convert_time_zone(zone)
clock = tickets.select(day=local.dt.weekday().cast(pl.Int64), hour=local.dt.hour().cast(pl.Int64))
grid = [[clock.filter(day=day, hour=hour).height for hour in range(24)] for day in range(1, 8)]
office = clock.select(pl.col("hour").is_between(8, 17) & (pl.col("day") <= 5)).to_series().mean()

(axes,) = page(
    title=f"{percent(1 - office)} of the tickets arrive outside weekdays from 8 to 18 o'clock",
    note=f"tickets by weekday and hour of arrival, {zone}; the number is the tickets of the darkest hour",
)
axes.imshow(grid, aspect="auto", cmap="Greys", vmin=0, vmax=1.25 * max(max(row) for row in grid))
peak = max(((n, day, hour) for day, row in enumerate(grid) for hour, n in enumerate(row)), default=(0, 0, 0))
axes.text(peak[2], peak[1], peak[0], ha="center", va="center", color=PAPER, fontsize=8)
axes.set_yticks(range(7), ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"])
axes.set_xticks(range(0, 24, 3), [f"{hour:02d}:00" for hour in range(0, 24, 3)])
plt.show()

# %% [markdown]
# ## What is filed twice (A2)
#
# Each ticket is compared with the five that the same account filed before it, within two days: words in common as a share of all
# their words. Real repeats form a hump of their own on the right; the line is set in the gap. A customer who merely has two
# problems in a day stays on the left.

# %%
words = pl.concat_str("subject", "body", separator=" ", ignore_nulls=True).str.to_lowercase()
texts = tickets.drop_nulls("account_id").with_columns(words=words.str.extract_all(r"\w{3,}").list.unique())
earlier = []
for back in range(1, 6):
    before = texts.with_columns(
        other=pl.col("words").shift(back).over("account_id"),
        gap=(pl.col("created_at") - pl.col("created_at").shift(back)).over("account_id"),
        other_team=pl.col("first_team_id").shift(back).over("account_id"),
    ).filter(pl.col("gap") <= pl.duration(days=2))
    common = pl.col("words").list.set_intersection("other").list.len()
    either = pl.col("words").list.set_union("other").list.len()
    earlier.append(before.with_columns(alike=(common / either).fill_nan(None)).drop_nulls("alike"))
closest = pl.concat(earlier).sort("alike", "gap", descending=[True, False]).unique("ticket_id", keep="first")
ALIKE = 0.65
repeats = closest.filter(pl.col("alike") >= ALIKE)
wasted = repeats["handle_minutes"].sum() / 60
apart = (repeats["first_team_id"] != repeats["other_team"]).mean()

(axes,) = page(
    title=f"{repeats.height} tickets ({percent(repeats.height / total, 1)}) repeat one of the two days before: {wasted:,.0f} hours of work",
    note=f"likeness of each ticket to its most similar forerunner of the same account; {closest.height:,} tickets have one",
)
_, edges, bars = axes.hist(closest["alike"], bins=[step / 20 for step in range(21)], color=TODAY)
for edge, bar in zip(edges, bars, strict=False):
    bar.set_color(WORSE if edge >= ALIKE - 1e-9 else WASH)
axes.axvline(ALIKE, color=INK, linewidth=1.5)
axes.text(ALIKE + 0.01, 0.9, f"repeats; {percent(apart)} went to another team", transform=axes.get_xaxis_transform())
axes.grid(axis="y", color=HAIR)
plt.show()

# %% [markdown]
# ## Where promises are missed, and whose money it is (A3)
#
# The intervals are clustered by account: thirty late tickets of one customer are one piece of evidence, not thirty.

# %%
rows = []
for (category, tier), group in tickets.drop_nulls(["late", "category"]).group_by("category", "mrr_tier"):
    if group.height >= 30:
        found = tl.evidence.clustered_wilson(group["late"].to_numpy(), group["who"].to_numpy())
        accounts = group.filter("late").drop_nulls("account_id").group_by("account_id").agg(pl.col("mrr").last())
        rows.append((f"{category} · {tier or 'unknown'} MRR", found, accounts["mrr"].sum()))
rows = sorted(rows, key=lambda row: (row[1].value, row[0]))[-10:]
certain = [name for name, found, _ in rows if found.low > (late_all or 0)]

(axes,) = page(
    height=0.9 + 0.3 * max(len(rows), 1),
    title=f"{len(certain)} of the {len(rows)} worst segments are certainly worse than the average of {percent(late_all, 1)}",
    note="share of tickets late (vendor's flag) with 95 % interval by account; line: all tickets; right: tickets, MRR of accounts with a late one",
)
for height, (name, found, money) in enumerate(rows):
    colour = WORSE if name in certain else TODAY
    axes.plot([100 * found.low, 100 * found.high], [height, height], color=colour, linewidth=3)
    axes.plot([100 * found.value], [height], "o", color=colour)
    text = f"{found.n:,.0f} · {money:,.0f} {setting['currency']}"
    axes.text(1.01, height, text, transform=axes.get_yaxis_transform(), va="center", fontsize=8, color=QUIET)
axes.axvline(100 * (late_all or 0), color=INK, linewidth=1.5)
axes.set_yticks(range(len(rows)), [name for name, _, _ in rows])
axes.set_xlim(left=0)
axes.set_xlabel("per cent late", color=QUIET)
axes.grid(axis="x", color=HAIR)
plt.show()

# %%
near = tickets.filter(
    pl.col("days_to_renewal").is_between(0, 60), pl.col("category").is_in(["billing", "contract", "renewal"])
)
at_risk = near.filter("late").drop_nulls("account_id").group_by("account_id").agg(pl.col("mrr").last())
Markdown(
    f"**Renewals at risk.** {near.height} billing, contract and renewal tickets came within 60 days of the customer's renewal; "
    f"{near['late'].sum()} of them were late. Behind these stand {at_risk.height} accounts with "
    f"{at_risk['mrr'].sum():,.0f} {setting['currency']} a month, each counted once."
)

# %% [markdown]
# ## Who owns what (A4)
#
# Three gaps: tickets that nobody owned, tickets that were passed on, and tickets that were passed on again. The price of a wrong
# first owner is in the last column: the team that can help learns of the ticket when part of its time is gone.

# %%
assigned = lab.table("ticket_events").filter(kind="assigned").group_by("ticket_id").agg(owned_at=pl.col("at").min())
minutes = (pl.col("first_action_at") - pl.col("created_at")).dt.total_seconds() / 60
owned = tickets.join(assigned, on="ticket_id", how="left").with_columns(
    to_action=minutes, to_owner=(pl.col("owned_at") - pl.col("created_at")).dt.total_seconds() / 60
)
owned.drop_nulls("wrong").group_by(first_owner=pl.when("wrong").then(pl.lit("wrong")).otherwise(pl.lit("right"))).agg(
    tickets=pl.len(),
    minutes_to_owner=pl.col("to_owner").median(),
    minutes_to_first_action=pl.col("to_action").median(),
    passed_on_again=(pl.col("reassignment_count") >= 2).mean(),
    late=pl.col("late").mean(),
).sort("first_owner")

# %%
moved = tickets.filter("wrong").group_by("first_team_id", "resolver_team_id").len("n").sort("n", descending=True)
paths = {(first, last): n for first, last, n in moved.iter_rows()}
firsts, lasts = (sorted({pair[side] for pair in paths}) for side in (0, 1))
worst = max(paths, key=lambda pair: (paths[pair], pair), default=("–", "–"))

(axes,) = page(
    height=3.2,
    title=f"{percent(wrong_all)} of the tickets start in the wrong team; the busiest detour is {worst[0]} → {worst[1]}",
    note=f"tickets by first team (rows) and team that solved it (columns); {tickets['first_team_id'].null_count()} tickets never had an owner",
)
axes.imshow([[paths.get((a, b), 0) for b in lasts] for a in firsts] or [[0]], aspect="auto", cmap="Oranges", vmin=0)
for row, a in enumerate(firsts):
    for column, b in enumerate(lasts):
        if (a, b) in paths:
            heavy = paths[a, b] > 0.6 * paths[worst]
            axes.text(column, row, paths[a, b], ha="center", va="center", color=PAPER if heavy else INK)
axes.set_yticks(range(len(firsts)), firsts)
axes.set_xticks(range(len(lasts)), lasts, color=INK)
plt.show()

# %% [markdown]
# ## The unwritten rules (A5)
#
# What people do is a rule that nobody wrote down: *this subcategory goes to that team*. How faithfully is it followed, and how often is
# that team the one that solves it? A habit that is followed and wrong is the cheapest rule to write.

# %%
habits = (
    tickets.drop_nulls(["category", "first_team_id", "resolver_team_id"])
    .with_columns(kind=pl.concat_str("category", "subcategory", separator=" · ", ignore_nulls=True))
    .with_columns(usual=pl.col("first_team_id").mode().sort().first().over("kind"))
    .group_by("kind", "usual")
    .agg(
        n=pl.len(),
        followed=(pl.col("first_team_id") == pl.col("usual")).mean(),
        right=(pl.col("resolver_team_id") == pl.col("usual")).mean(),
        solved_by=pl.col("resolver_team_id").mode().sort().first(),
    )
    .filter(pl.col("n") >= 20)
    .sort("right", "kind", descending=[True, False])
)
shown = habits.tail(12)
bad = habits.filter(pl.col("right") < 0.5)

(axes,) = page(
    height=0.9 + 0.28 * max(shown.height, 1),
    title=f"{bad.height} habits send most tickets to a team that does not solve them",
    note="per cent of tickets; hollow: sent by habit to the usual team, filled: solved by that team (orange: less than half); at least 20 tickets",
)
for height, row in enumerate(shown.iter_rows(named=True)):
    colour = WORSE if row["right"] < 0.5 else NEW
    axes.plot([100 * row["right"], 100 * row["followed"]], [height, height], color=LINE, linewidth=2, zorder=1)
    axes.plot([100 * row["followed"]], [height], "o", color=TODAY, markerfacecolor=PAPER, markeredgewidth=1.6)
    axes.plot([100 * row["right"]], [height], "o", color=colour)
    text = f"{row['usual']}" + (f", solved by {row['solved_by']}" if row["solved_by"] != row["usual"] else "")
    axes.text(1.01, height, text, transform=axes.get_yaxis_transform(), va="center", fontsize=8, color=QUIET)
axes.set_yticks(range(shown.height), [f"{row['kind']} ({row['n']})" for row in shown.iter_rows(named=True)])
axes.set_xlim(0, 103)
axes.grid(axis="x", color=HAIR)
plt.show()

# %% [markdown]
# ## Which systems can be trusted (A6)
#
# A rule can only be as good as the facts it reads. *Hit*: a fresh value. *Stale*: a value past its time. *Miss* and *error*: none. The
# rules of a backtest see just what was seen then, a miss included.

# %%
lookups = lab.table("enrichment_log").with_columns(week=pl.col("looked_up_at").dt.truncate("1w"))
chain = pl.concat_str("source", "field", separator=" · ")
kinds = lookups.group_by(chain.alias("fact")).agg(
    pl.len().alias("n"),
    *((pl.col("status") == state).mean().alias(state) for state in ("hit", "stale", "miss", "error")),
)
kinds = kinds.filter(pl.col("n") >= 30).sort("hit", "fact", descending=[True, False])
weakest = kinds["fact"][-1] if kinds.height else "–"
weekly = (
    lookups.group_by("source", "week").agg(n=pl.len(), hit=(pl.col("status") == "hit").mean()).sort("source", "week")
)

left, right = page(
    1, 2, height=3.4,
    title=f"The weakest source is {weakest}: {percent(kinds['hit'].min())} of its look-ups give a fresh value",
    note="left: per cent of look-ups stale (grey), missed (orange), failed (dark), by source and field; right: per cent fresh by week and source",
)  # fmt: skip
start = pl.zeros(kinds.height, eager=True)
for state, colour in (("stale", WASH), ("miss", WORSE), ("error", INK)):
    left.barh(range(kinds.height), 100 * kinds[state], left=start, color=colour)
    start = start + 100 * kinds[state]
left.set_yticks(range(kinds.height), kinds["fact"])
left.grid(axis="x", color=HAIR)
lines = weekly.filter(pl.col("n") >= 20).partition_by("source", as_dict=True, maintain_order=True)
strokes = cycle(["-", "--", ":"])
level = 0.0  # names stand beside the ends of their lines, lowest first, never on top of each other
for (source,), line in sorted(lines.items(), key=lambda item: (item[1]["hit"][-1], item[0])):
    end = 100 * line["hit"][-1]
    level = max(end, level + 1.4)
    right.plot(line["week"], 100 * line["hit"], color=TODAY, linewidth=1.4, linestyle=next(strokes))
    right.text(1.02, level, source, transform=right.get_yaxis_transform(), va="center", color=INK)
right.set_ylim(min(80, 100 * (weekly["hit"].min() or 0)), 100)
right.grid(axis="y", color=HAIR)
right.xaxis.set_major_formatter(plt.matplotlib.dates.DateFormatter("%d %b"))
right.xaxis.set_major_locator(plt.matplotlib.dates.MonthLocator())
plt.show()

# %% [markdown]
# ## Where to pilot (A7)
#
# A good pilot has volume, misses promises, starts in the wrong team and carries money; and the facts that its rules read are there. The
# rank is the plain mean of the five ranks: a place to look, not a verdict.

# %%
ready = lookups.group_by("ticket_id").agg(ready=(pl.col("status") == "hit").mean())
once = (
    tickets.filter("late").drop_nulls("account_id").unique(["category", "account_id"], keep="last", maintain_order=True)
)
ranks = pl.col("tickets", "late", "wrong_first", "mrr_late", "facts_ready").rank(descending=True)
pilot = (
    tickets.drop_nulls("category")
    .join(ready, on="ticket_id", how="left")
    .group_by("category")
    .agg(
        tickets=pl.len(),
        late=pl.col("late").mean(),
        wrong_first=pl.col("wrong").mean(),
        facts_ready=pl.col("ready").mean(),
    )
    .join(once.group_by("category").agg(mrr_late=pl.col("mrr").sum()), on="category", how="left")
    .with_columns(mean_rank=pl.mean_horizontal(ranks))
    .sort("mean_rank", "category")
)
pilot

# %% [markdown]
# ## What would better rules change?
#
# The last step of discovery is the first backtest: a policy against what people did, on the same arrivals with the same luck. Grades say
# how far each number carries: *replayed* follows from the log and the rules alone, *simulated* needs the queue model, which is
# not calibrated here, so it is a reason to look closer and no forecast.

# %%
run = lab.run(lab.runs()[0].run_id) if lab.runs() else lab.backtest(report.policies[0])
run

# %%
change = run.measures().filter(arm="difference", segment="{}", scenario="base").drop_nulls(["value", "low", "high"])
change = change.select("metric", "unit", "value", "low", "high", "n", "accounts", "grade", "flags")
change

# %%
run.figure("first_action_curve") if "time_to_first_action" in change["metric"] else Markdown("Routing only: no waits.")

# %% [markdown]
# ## What we conclude

# %%
days = (tickets["created_at"].max() - tickets["created_at"].min()).days
enough = "enough for a choice" if days >= 30 else "less than the 30 days that a choice needs"
best = pilot.row(0, named=True) if pilot.height else dict.fromkeys(pilot.columns)
truth = change.filter(metric="misroute_labelled" if "misroute_labelled" in change["metric"] else "misroute_resolver")
effect = [
    f"{100 * row['value']:+.1f} points ({100 * row['low']:+.1f} to {100 * row['high']:+.1f})".replace("-", "−")
    for row in truth.to_dicts()
]
conclusions = [
    f"**Start with {best['category']}**: {best['tickets']} tickets, {percent(best['late'], 1)} late, {percent(best['wrong_first'])} "
    f"start in the wrong team. The sample covers {days} days, {enough}.",
    f"**Write down what should replace {bad.height} habits**: {', '.join(bad['kind'].to_list()) or 'none sends most tickets wrong'}.",
    f"**Close the detour {worst[0]} → {worst[1]}**: {paths.get(worst, 0)} tickets; {percent(wrong_all)} of all start in the wrong team.",
    f"**Link repeats before counting tickets**: {percent(repeats.height / total, 1)} repeat another, {wasted:,.0f} hours of work.",
    f"**Let no rule rest on {weakest} alone**; what a rule cannot know must go to a person.",
    f"**The policy {run.result.candidate.name}** changes wrong first owners by {effect[0] if effect else '–'}. "
    f"Verdict: {run.result.verdict.word}. {run.result.verdict.sentence}",
]
Markdown("\n".join(f"{number}. {text}" for number, text in enumerate(conclusions, start=1)))
