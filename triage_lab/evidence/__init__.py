"""Evidence: what may be concluded from tallies: measures, comparisons, launch limits, verdict."""

from triage_lab.evidence.curves import curve
from triage_lab.evidence.estimate import change_of, compare, difference, estimate
from triage_lab.evidence.harms import harms, segment_label
from triage_lab.evidence.intervals import (
    Interval,
    clopper_pearson,
    clustered_wilson,
    effective_accounts,
    jackknife_difference,
    jackknife_log_ratio,
    jackknife_ratio,
    wilson,
    wilson_from_sums,
)
from triage_lab.evidence.kpis import judge_kpis, tiles
from triage_lab.evidence.launch import Kpi, LaunchItem, LaunchPlan, read_launch
from triage_lab.evidence.paired import (
    McNemar,
    assignment_unit,
    holm,
    mcnemar,
    newcombe_paired,
    paired_sample_size,
    srm,
)
from triage_lab.evidence.readiness import ReadinessFacts, readiness_items
from triage_lab.evidence.survival import (
    QuantileInterval,
    Survival,
    clustered_quantile,
    kaplan_meier,
    rmst,
)
from triage_lab.evidence.verdict import Subject, verdict

__all__ = [
    "Interval",
    "Kpi",
    "LaunchItem",
    "LaunchPlan",
    "McNemar",
    "QuantileInterval",
    "ReadinessFacts",
    "Subject",
    "Survival",
    "assignment_unit",
    "change_of",
    "clopper_pearson",
    "clustered_quantile",
    "clustered_wilson",
    "compare",
    "curve",
    "difference",
    "effective_accounts",
    "estimate",
    "harms",
    "holm",
    "jackknife_difference",
    "jackknife_log_ratio",
    "jackknife_ratio",
    "judge_kpis",
    "kaplan_meier",
    "mcnemar",
    "newcombe_paired",
    "paired_sample_size",
    "read_launch",
    "readiness_items",
    "rmst",
    "segment_label",
    "srm",
    "tiles",
    "verdict",
    "wilson",
    "wilson_from_sums",
]
