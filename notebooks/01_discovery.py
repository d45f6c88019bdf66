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
# Week 0, before any rule is written. Seven questions to the ticket log: where the volume is (A1), what is filed twice (A2),
# where promises are missed and whose money is behind them (A3), who owns what (A4), what the unwritten rules are (A5),
# which systems can be trusted (A6), and where a pilot should start (A7).
#
# By default the notebook makes a small synthetic desk. Set `TRIAGE_LAB_NOTEBOOK_LAB` to the folder of your own lab to
# ask your own tickets.

# %%
import os
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import polars as pl

import triage_lab as tl

folder = os.environ.get("TRIAGE_LAB_NOTEBOOK_LAB")
if folder is None:
    folder = Path(tempfile.mkdtemp()) / "desk"
    tl.demo(folder, tickets=4000)
lab = tl.open_lab(folder)
BASELINE, CANDIDATE, WORSE = "#626a74", "#0b57a4", "#b23c0b"
plt.rcParams.update({"axes.spines.top": False, "axes.spines.right": False, "figure.dpi": 96, "font.size": 10})
pl.Config.set_tbl_rows(12).set_tbl_hide_dataframe_shape(True)

# %% [markdown]
# ## What is here (A6)
#
# One row per thing that the lab might measure, with the reason where it cannot. Read this before any number below.

# %%
report = lab.doctor()
pl.DataFrame([{"what": f.subject, "state": f.state, "why": f.reason} for f in report.findings])

# %%
facts = pl.DataFrame(
    [{"table": t.table, "column": name, "filled": n / t.rows} for t in report.tables for name, n in t.filled if n]
)
facts.filter(pl.col("table") == "tickets").sort("filled").head(10)

# %% [markdown]
# ## Where the volume is (A1)

# %%
tickets = lab.table("tickets").join(
    lab.context().select("ticket_id", "mrr", "mrr_tier", "contract_tier", "days_to_renewal"), on="ticket_id", how="left"
)
tickets.height, tickets["created_at"].min(), tickets["created_at"].max()

# %%
volume = tickets.group_by("category").len("tickets").sort("tickets")
figure, axes = plt.subplots(figsize=(7, 2.6))
axes.barh(volume["category"], volume["tickets"], color=BASELINE)
top = volume.row(-1, named=True)
axes.set_title(f"{top['category']} brings {top['tickets'] / tickets.height:.0%} of all tickets", loc="left")
axes.set_xlabel("tickets")
figure.tight_layout()

# %%
zone = next(s.value for s in lab.settings() if s.name == "timezone")
local = pl.col("created_at").dt.replace_time_zone("UTC").dt.convert_time_zone(zone)
hours = (
    tickets.group_by(local.dt.weekday().alias("weekday"), local.dt.hour().alias("hour"))
    .len()
    .pivot(on="hour", index="weekday", values="len", sort_columns=False)
    .sort("weekday")
    .fill_null(0)
)
grid = hours.select(str(h) for h in range(24) if str(h) in hours.columns).to_numpy()
figure, axes = plt.subplots(figsize=(7, 2.4))
picture = axes.imshow(grid, aspect="auto", cmap="Greys")
axes.set_yticks(range(7), ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"][: grid.shape[0]])
axes.set_xlabel(f"hour of day, {zone}")
axes.set_title("Tickets by weekday and hour", loc="left")
figure.colorbar(picture, ax=axes, label="tickets")
figure.tight_layout()

# %% [markdown]
# ## What is filed twice (A2)
#
# A repeat here is the same account and category within 24 hours. It is a lower bound for wasted work and an upper bound for
# true duplicates: some customers really have two problems in a day.

# %%
pairs = (
    tickets.filter(pl.col("account_id").is_not_null())
    .sort("created_at")
    .with_columns(gap=(pl.col("created_at") - pl.col("created_at").shift(1)).over("account_id", "category"))
)
repeats = pairs.filter(pl.col("gap") < pl.duration(hours=24))
f"{repeats.height} of {tickets.height} tickets ({repeats.height / tickets.height:.1%}) repeat one of the day before"

# %% [markdown]
# ## Where promises are missed, and whose money it is (A3)

# %%
missed = (
    tickets.filter(pl.col("sla_met").is_not_null())
    .group_by("category", "mrr_tier")
    .agg(
        tickets=pl.len(),
        missed=(~pl.col("sla_met")).mean(),
        mrr=pl.col("mrr").filter(~pl.col("sla_met")).sum(),
    )
    .filter(pl.col("tickets") >= 30)
    .sort("missed", descending=True)
)
missed.head(10)

# %%
renewing = tickets.filter(
    pl.col("days_to_renewal").is_between(0, 60), pl.col("category").is_in(["billing", "contract", "renewal"])
)
late = renewing.filter(~pl.col("sla_met"))
at_risk = late.drop_nulls("account_id").group_by("account_id").agg(pl.col("mrr").last())["mrr"].sum()
f"{late.height} of {renewing.height} billing, contract and renewal tickets within 60 days of renewal were late; their accounts bring {at_risk:,.0f} a month (each once)"

# %% [markdown]
# ## Who owns what (A4)

# %%
ownership = tickets.select(
    no_owner=pl.col("first_team_id").is_null().mean(),
    moved=(pl.col("first_team_id") != pl.col("resolver_team_id")).mean(),
    ping_pong=(pl.col("reassignment_count") >= 2).mean(),
)
ownership

# %%
moves = (
    tickets.filter(pl.col("first_team_id") != pl.col("resolver_team_id"))
    .group_by("first_team_id", "resolver_team_id")
    .len("tickets")
    .sort("tickets", descending=True)
    .head(8)
)
moves

# %% [markdown]
# ## The unwritten rules (A5)
#
# For each category: where do people send it first, how consistently, and did that team solve it? A category with a clear first
# team that rarely solves it is the cheapest rule to write.

# %%
tribal = (
    tickets.drop_nulls(["first_team_id", "resolver_team_id"])
    .group_by("category", "subcategory")
    .agg(
        tickets=pl.len(),
        usual_team=pl.col("first_team_id").mode().sort().first(),
        solved_by=pl.col("resolver_team_id").mode().sort().first(),
        wrong_first=(pl.col("first_team_id") != pl.col("resolver_team_id")).mean(),
    )
    .sort("wrong_first", descending=True)
)
tribal.head(8)

# %% [markdown]
# ## Which systems can be trusted (A6)

# %%
lookups = lab.table("enrichment_log")
coverage = (
    lookups.group_by("field", "source")
    .agg(lookups=pl.len(), hit=(pl.col("status") == "hit").mean(), stale=(pl.col("status") == "stale").mean())
    .sort("field", "source")
    if lookups.height
    else pl.DataFrame({"note": ["this log has no enrichment_log"]})
)
coverage

# %% [markdown]
# ## Where to pilot (A7)
#
# A good pilot has volume, misses promises, sends many tickets to the wrong team, and carries money. The rank is the mean of the
# four ranks; it is a place to look, not a verdict.

# %%
pilot = (
    tickets.drop_nulls(["first_team_id", "resolver_team_id"])
    .group_by("category")
    .agg(
        tickets=pl.len(),
        missed=(~pl.col("sla_met")).mean(),
        wrong_first=(pl.col("first_team_id") != pl.col("resolver_team_id")).mean(),
        mrr_late=pl.col("mrr").filter(~pl.col("sla_met")).sum(),
    )
    .with_columns(rank=pl.mean_horizontal(pl.col("tickets", "missed", "wrong_first", "mrr_late").rank(descending=True)))
    .sort("rank", "category")
)
days = (tickets["created_at"].max() - tickets["created_at"].min()).days
best = pilot["category"][0]
pilot

# %%
print(f"The sample covers {days} days ({'enough' if days >= 30 else 'less than the 30 days a pilot choice needs'}).")
print(f"First pilot candidate: {best}.")

# %% [markdown]
# ## What would a better rule change?
#
# The last step of discovery is the first backtest: the shipped policy against what people did. Grades and flags say how far each
# number can be trusted; an uncalibrated simulation is a reason to look closer, not a forecast.

# %%
run = lab.run(lab.runs()[0].run_id) if lab.runs() else lab.backtest("billing-protection")
run

# %%
run.measures().filter(pl.col("arm") == "difference", pl.col("segment") == "{}").select(
    "metric", "value", "low", "high", "n", "accounts", "grade", "flags"
)
