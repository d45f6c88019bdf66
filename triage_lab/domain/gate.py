"""Gates as data, and what running one found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from triage_lab.domain.enums import GateState, Severity
from triage_lab.domain.errors import NOWHERE, Place


@dataclass(frozen=True, slots=True)
class Gate:
    """One data-quality gate.

    ``kind``: ``rows`` (the query or built-in check returns offenders; the gate counts them) or
    ``scalar`` (one value with bounds). ``check`` names a built-in check with ``params``, or is ``sql`` with
    ``sql``. ``tolerance`` is the share of rows (0..1) that may offend before the gate fails; between 0 and
    the tolerance it warns. ``min_n``: fewer rows than this and the gate is skipped. ``keys`` identify a row.
    """

    gate_id: str
    table: str
    kind: str
    check: str
    severity: Severity
    owner: str
    title: str
    keys: tuple[str, ...] = ()
    params: Mapping[str, object] = field(default_factory=dict)
    sql: str | None = None
    tolerance: float = 0.0
    low: float | None = None
    high: float | None = None
    min_n: int = 1
    when: tuple[str, ...] = ("ingest", "daily", "launch")
    place: Place = NOWHERE


@dataclass(frozen=True, slots=True)
class GateResult:
    """What a gate found: the value is kept on pass too.

    ``n`` = rows looked at, ``failed`` = offenders (rows gates), ``value`` = scalar value or failing share,
    ``limit`` = the bound in words, ``sample`` = at most 5 failing keys for a report (all of them are in
    gate_failures), ``reason`` = why it was skipped or is in error.
    """

    gate_id: str
    table: str
    title: str
    severity: Severity
    owner: str
    state: GateState
    n: int
    failed: int
    value: float | None
    limit: str
    engine: str
    reason: str = ""
    sample: tuple[str, ...] = ()
    place: Place = NOWHERE
