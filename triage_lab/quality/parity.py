"""Whether the two engines found the same."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from triage_lab.domain.enums import GateState
from triage_lab.domain.gate import GateResult


@dataclass(frozen=True, slots=True)
class Disagreement:
    """One field of one gate on which the engines differ; ``missing`` stands for a gate that only one has run."""

    gate_id: str
    field: str
    sql: str
    gx: str


def parity(sql_results: Sequence[GateResult], gx_results: Sequence[GateResult]) -> tuple[Disagreement, ...]:
    """Compare two sets of results gate by gate.

    Parameters
    ----------
    sql_results, gx_results : sequence of GateResult
        Of the two runners on the same data.

    Returns
    -------
    tuple of Disagreement
        Sorted by gate; empty if state, rows looked at, offenders and value agree (values to 1e-9 of their size). Of
        gates that are in error in both, nothing more is compared: the engines word errors differently.
    """
    left, right = ({result.gate_id: result for result in results} for results in (sql_results, gx_results))
    found: list[Disagreement] = []
    for gate_id in sorted(left.keys() | right.keys()):
        if gate_id not in left or gate_id not in right:
            words = ["missing" if gate_id not in side else side[gate_id].state.value for side in (left, right)]
            found.append(Disagreement(gate_id, "gate", *words))
        else:
            found.extend(_compare(left[gate_id], right[gate_id]))
    return tuple(found)


def _compare(sql: GateResult, gx: GateResult) -> list[Disagreement]:
    """Compare one gate."""
    if sql.state is not gx.state:
        return [Disagreement(sql.gate_id, "state", sql.state.value, gx.state.value)]
    if sql.state is GateState.ERROR:
        return []
    out = [
        Disagreement(sql.gate_id, field, str(a), str(b))
        for field, a, b in (("n", sql.n, gx.n), ("failed", sql.failed, gx.failed))
        if a != b
    ]
    if sql.value is None or gx.value is None:
        same = sql.value is gx.value
    else:
        same = math.isclose(sql.value, gx.value, rel_tol=1e-9, abs_tol=1e-12)
    return out if same else [*out, Disagreement(sql.gate_id, "value", str(sql.value), str(gx.value))]
