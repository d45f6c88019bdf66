"""Evidence: what may be concluded from tallies: measures, comparisons, launch limits, verdict."""

from triage_lab.evidence.estimate import change_of, compare, difference, estimate
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
from triage_lab.evidence.paired import (
    McNemar,
    assignment_unit,
    holm,
    mcnemar,
    newcombe_paired,
    paired_sample_size,
    srm,
)
from triage_lab.evidence.survival import (
    QuantileInterval,
    Survival,
    clustered_quantile,
    kaplan_meier,
    rmst,
)

__all__ = [
    "Interval",
    "McNemar",
    "QuantileInterval",
    "Survival",
    "assignment_unit",
    "change_of",
    "clopper_pearson",
    "clustered_quantile",
    "clustered_wilson",
    "compare",
    "difference",
    "effective_accounts",
    "estimate",
    "holm",
    "jackknife_difference",
    "jackknife_log_ratio",
    "jackknife_ratio",
    "kaplan_meier",
    "mcnemar",
    "newcombe_paired",
    "paired_sample_size",
    "rmst",
    "srm",
    "wilson",
    "wilson_from_sums",
]
