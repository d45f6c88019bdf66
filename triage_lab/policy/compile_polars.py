"""A policy compiled for Polars frames: every ticket's decision, actions, fired and unknown masks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl

from triage_lab.domain.canonical import canonical_json
from triage_lab.domain.enums import Outcome, Priority
from triage_lab.domain.errors import PolicyError
from triage_lab.domain.policy import DEFAULT_ID, MANUAL_TRIAGE, Actions, OnUnknown, Policy
from triage_lab.domain.predicate import Predicate
from triage_lab.policy.actions import actions_plain, manual_actions, merge_actions
from triage_lab.policy.kinds import bind
from triage_lab.policy.masks import BITS, Bools, Truths, Words, item_column, masks
from triage_lab.policy.partition import Part, parts
from triage_lab.policy.polars_predicate import (
    ARRIVED,
    ROW,
    Dated,
    columns_with_kinds,
    evaluate,
    prepare,
)

_OUTCOMES = tuple(str(outcome) for outcome in Outcome)
_PRIORITIES = tuple(str(priority) for priority in Priority)
_CODE = {outcome: index for index, outcome in enumerate(Outcome)}
Codes = np.ndarray[Any, np.dtype[np.int32]]


@dataclass(frozen=True, slots=True)
class CompiledPolicy:
    """A policy ready to decide frames; ``decide`` is pure but for growing ``action_sets``.

    ``items`` lists (item id, kind) in mask order: bit ``i % 64`` of word ``i // 64`` is item ``i``.
    """

    policy: Policy
    manual_triage_team: str
    timezone: str
    items: tuple[tuple[str, str], ...]
    predicates: tuple[Predicate, ...]
    _interned: dict[str, int] = field(default_factory=dict, repr=False, compare=False)

    @property
    def action_sets(self) -> tuple[str, ...]:
        """Canonical JSON of every action set met so far; ``action_set_id`` is the index."""
        return tuple(self._interned)

    @property
    def columns(self) -> tuple[str, ...]:
        """Context columns that ``decide`` needs, ``arrived_at`` among them only if something is dated."""
        kinds = columns_with_kinds(self.predicates)
        return tuple(dict.fromkeys((*kinds, *_required(self.policy), *_arrival(self.policy))))

    def decide(self, context: pl.DataFrame) -> pl.DataFrame:
        """Decide every ticket.

        Parameters
        ----------
        context : polars.DataFrame
            One row a ticket: the columns in ``columns``; text as String, Categorical or Enum. ``arrived_at`` (epoch
            seconds UTC) is needed if thresholds or items are dated, ``priority_at_creation`` is used if it is there.

        Returns
        -------
        polars.DataFrame
            Row-aligned: rule_id, overridden_rule_id, outcome, owner_team, priority (Enum), action_set_id (UInt32),
            fired_0 …, unknown_0 … (UInt64).

        Raises
        ------
        ContextError
            A column is missing, of another type, or not finite.
        """
        prepared = prepare(
            context, columns_with_kinds(self.predicates), (*_required(self.policy), *_arrival(self.policy))
        )
        pieces = list(parts(prepared, self.predicates))
        decided = [_decide_rows(self, piece) for piece in pieces]
        return _frame(self, _joined(pieces, decided), context)


@dataclass(frozen=True, slots=True)
class _Decided:
    """Codes of one stretch of rows.

    ``rule``, ``overridden``: index into ids (−1 = none); ``base``: index of whose actions apply, the last is manual
    triage; ``fired``, ``unknown``: one array a mask word.
    """

    rule: Codes
    overridden: Codes
    outcome: Codes
    base: Codes
    also: tuple[Bools, ...]
    fired: tuple[Words, ...]
    unknown: tuple[Words, ...]


def compile_policy(policy: Policy, *, manual_triage_team: str = MANUAL_TRIAGE, timezone: str = "UTC") -> CompiledPolicy:
    """Compile a policy.

    Parameters
    ----------
    policy : Policy
        Parsed and resolved.
    manual_triage_team : str
        Owner of what may not be decided without a person.
    timezone : str
        IANA zone whose days date thresholds and items.

    Examples
    --------
    ``compile_policy(policy).decide(context)["owner_team"]`` is the owner of every ticket.
    """
    for item in policy.items:
        if item.item_id == DEFAULT_ID:
            raise PolicyError(f"an item is called '{DEFAULT_ID}'", "another id", place=item.place)
    constant = {
        name: param.values[0].value
        for name, param in policy.params.items()
        if len(param.values) == 1 and param.values[0].valid_from is None
    }
    predicates = tuple(bind(item.when, constant, policy.sets) for item in policy.items)
    items = tuple((item.item_id, str(item.kind)) for item in policy.items)
    return CompiledPolicy(policy, manual_triage_team, timezone, items, predicates)


def ids_of(policy: Policy) -> tuple[str, ...]:
    """Return every id that can decide a ticket: overrides, rules, default."""
    return (*(o.item_id for o in policy.overrides), *(r.item_id for r in policy.rules), DEFAULT_ID)


def _required(policy: Policy) -> tuple[str, ...]:
    """Columns that a ``requires`` names."""
    listed = [name for rule in policy.rules for name in rule.requires]
    return tuple(dict.fromkeys((*listed, *policy.default.requires)))


def _arrival(policy: Policy) -> tuple[str, ...]:
    """``arrived_at`` if anything is dated."""
    return (ARRIVED,) if policy.dates() else ()


def _decide_rows(compiled: CompiledPolicy, part: Part) -> _Decided:
    """Decide the rows of one part."""
    policy = compiled.policy
    truths = _truths(compiled, part)
    first_rule, default = len(policy.overrides), len(policy.overrides) + len(policy.rules)
    winner = _winner(policy, truths, first_rule, default)
    rule, outcome, base, free = _overridden(policy, truths, winner, default)
    if _required(policy):
        lacking = free & _lacking(policy, truths, winner, first_rule)
        base = np.where(lacking, np.int32(default + 1), base)
        outcome = np.where(lacking, np.int32(_CODE[Outcome.MANUAL_REQUIRES]), outcome)
    overridden = np.where(free, np.int32(-1), winner) if policy.overrides else np.full_like(winner, -1)
    never: Bools = np.zeros(winner.size, dtype=np.bool_)
    effects = (truths.fired(index) for index in range(default, len(policy.items)))
    also = tuple(never if flag is None else flag for flag in effects)
    return _Decided(rule, overridden, outcome, base, also, *masks(truths, len(policy.items)))


def _winner(policy: Policy, truths: Truths, first_rule: int, default: int) -> Codes:
    """Index of the first rule that fires, or that lacks a required column; bounded depth of expressions."""
    active = [index for index in reversed(range(first_rule, default)) if index in truths.items]
    if not active:
        return np.full(truths.frame.height, default, dtype=np.int32)
    found, winner = truths.frame, pl.lit(default, dtype=pl.Int32)
    for start in range(0, len(active), BITS):
        for index in active[start : start + BITS]:
            fires, requires = pl.col(item_column(index)), policy.rules[index - first_rule].requires
            if requires and index in truths.doubtful:
                fires = fires | (fires.is_null() & pl.any_horizontal(_absent(name) for name in requires))
            winner = pl.when(fires).then(pl.lit(index, dtype=pl.Int32)).otherwise(winner)
        found, winner = found.with_columns(winner.alias("winner")), pl.col("winner")
    return found["winner"].to_numpy()


def _truths(compiled: CompiledPolicy, part: Part) -> Truths:
    """Evaluate every item that may matter, and which required columns are NULL."""
    policy = compiled.policy
    dated = Dated(policy.params, compiled.timezone)
    named = {item_column(i): predicate for i, predicate in enumerate(compiled.predicates) if part.active[i]}
    frame = evaluate(part.prepared, named, dated)
    windows = {item_column(i): dated.valid(item.valid_from, item.valid_to) for i, item in enumerate(policy.items)}
    inside = {name: window for name, window in windows.items() if window is not None and name in named}
    if inside:
        within = evaluate(part.prepared, inside)
        closed = [pl.when(within[name]).then(frame[name]).otherwise(pl.lit(False)).alias(name) for name in inside]
        frame = frame.with_columns(closed)
    absent = [part.prepared.frame[name].is_null().alias(_absent(name)) for name in _required(policy)]
    items = frozenset(index for index, active in enumerate(part.active) if active)
    doubtful = frozenset(index for index in items if frame[item_column(index)].null_count())
    rows = part.prepared.frame.select(ROW)  # without an item the frame of items would have no rows
    return Truths(rows.with_columns(*frame.iter_columns(), *absent), items, doubtful)


def _absent(column: str) -> str:
    """Name the column that tells where a required one is NULL."""
    return f":absent:{column}"


def _any_absent(requires: Sequence[str], truths: Truths) -> Bools:
    """Where any of the columns is NULL."""
    return truths.frame.select(pl.any_horizontal(_absent(name) for name in requires)).to_series().to_numpy()


def _overridden(policy: Policy, truths: Truths, winner: Codes, default: int) -> tuple[Codes, Codes, Codes, Bools]:
    """Apply the overrides; returns rule, outcome, base and where none applied."""
    by_winner = np.full(default + 1, _CODE[Outcome.RULE], dtype=np.int32)
    by_winner[default] = _CODE[Outcome.DEFAULT]
    outcome = by_winner.take(winner)
    free: Bools = np.ones(winner.size, dtype=np.bool_)
    if not policy.overrides:
        return winner, outcome, winner, free
    rule, base = winner.copy(), winner.copy()
    ids = ids_of(policy)
    for index, override in enumerate(policy.overrides):
        listed = np.array([override.lists(name) for name in ids], dtype=np.bool_)
        asked = free if listed[len(policy.overrides) :].all() else free & listed.take(winner)
        fired = truths.fired(index)
        applied = asked & fired if fired is not None else np.zeros_like(asked)
        np.copyto(base, index, where=applied)
        np.copyto(outcome, _CODE[Outcome.OVERRIDE], where=applied)
        unknown = truths.unknown(index)
        if unknown is not None and override.on_unknown is OnUnknown.MANUAL_TRIAGE:
            stuck = asked & unknown
            np.copyto(base, default + 1, where=stuck)
            np.copyto(outcome, _CODE[Outcome.MANUAL_UNKNOWN], where=stuck)
            applied = applied | stuck
        np.copyto(rule, index, where=applied)
        free = free & ~applied
    return rule, outcome, base, free


def _lacking(policy: Policy, truths: Truths, winner: Codes, first_rule: int) -> Bools:
    """Where a column that the winner requires is NULL."""
    found: Bools = np.zeros(winner.size, dtype=np.bool_)
    groups: dict[tuple[str, ...], list[int]] = {}
    listed = [*(rule.requires for rule in policy.rules), policy.default.requires]
    for index, requires in enumerate(listed):
        if requires:
            groups.setdefault(requires, []).append(first_rule + index)
    for requires, winners in groups.items():
        member = np.zeros(first_rule + len(policy.rules) + 1, dtype=np.bool_)
        member[winners] = True
        found |= member.take(winner) & _any_absent(requires, truths)
    return found


def _packed_byte(group: Sequence[Bools | None], size: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Pack up to eight flags into a byte."""
    byte = np.zeros(size, dtype=np.uint8)
    for bit, flag in enumerate(group):
        if flag is not None:
            byte |= flag.view(np.uint8) << np.uint8(bit)
    return byte


def _joined(pieces: Sequence[Part], decided: Sequence[_Decided]) -> _Decided:
    """All parts together, in the order of the context."""
    if len(pieces) == 1:
        return decided[0]
    order = np.concatenate([piece.rows for piece in pieces])

    def placed(arrays: Sequence[Any]) -> Any:
        joined = np.concatenate(arrays)
        found = np.empty_like(joined)
        found[order] = joined
        return found

    def codes(name: str) -> Any:
        return placed([getattr(one, name) for one in decided])

    def words(name: str) -> tuple[Any, ...]:
        return tuple(placed(arrays) for arrays in zip(*(getattr(one, name) for one in decided), strict=True))

    return _Decided(
        codes("rule"),
        codes("overridden"),
        codes("outcome"),
        codes("base"),
        words("also"),
        words("fired"),
        words("unknown"),
    )


def _frame(compiled: CompiledPolicy, decided: _Decided, context: pl.DataFrame) -> pl.DataFrame:
    """Turn codes into the decisions frame."""
    policy = compiled.policy
    ids = ids_of(policy)
    keys, key_of_row = _keys(decided)
    bases = [*(item.then for item in policy.overrides), *(item.then for item in policy.rules)]
    bases += [policy.default.then, manual_actions(compiled.manual_triage_team)]
    sets = [_merged(policy, bases, base, also) for base, also in keys]
    texts = [canonical_json(actions_plain(actions)) for actions in sets]
    for text in texts:
        compiled._interned.setdefault(text, len(compiled._interned))
    set_id = np.array([compiled._interned[text] for text in texts], dtype=np.uint32)
    urgency = np.array([_PRIORITIES.index(a.priority) if a.priority else -1 for a in sets], dtype=np.int32)
    owners = sorted({str(actions.route) for actions in bases})
    owner = np.array([owners.index(str(actions.route)) for actions in bases], dtype=np.int32)
    columns: dict[str, pl.Series] = {
        "rule_id": _enum(ids, decided.rule),
        "overridden_rule_id": _enum(ids, decided.overridden),
        "outcome": _enum(_OUTCOMES, decided.outcome),
        "owner_team": _enum(owners, owner).gather(_indexes(decided.base)),
        "priority": _priority(urgency, key_of_row, context),
        "action_set_id": pl.Series(set_id, dtype=pl.UInt32).gather(_indexes(key_of_row)),
    }
    for name, words in (("fired", decided.fired), ("unknown", decided.unknown)):
        columns |= {f"{name}_{index}": pl.Series(word, dtype=pl.UInt64) for index, word in enumerate(words)}
    return pl.DataFrame(columns)


def _keys(decided: _Decided) -> tuple[list[tuple[int, tuple[int, ...]]], Codes]:
    """Distinct (base, fired also-items), ascending, and each row's index into them."""
    key = decided.base
    meanings: list[tuple[int, tuple[int, ...]]] = []
    if key.size:
        meanings = [(base, ()) for base in range(int(key.max()) + 1)]
    meanings, key = _compressed(meanings, key)
    for start in range(0, len(decided.also), 8):
        group = decided.also[start : start + 8]
        wide = key * np.int32(1 << len(group)) + _packed_byte(group, key.size)
        meanings = [
            (base, (*also, *(start + bit for bit in range(len(group)) if flags >> bit & 1)))
            for base, also in meanings
            for flags in range(1 << len(group))
        ]
        meanings, key = _compressed(meanings, wide.astype(np.int32))
    return meanings, key


def _compressed(meanings: list[Any], key: Codes) -> tuple[list[Any], Codes]:
    """Keep the keys that occur and renumber them in ascending order."""
    present = np.bincount(key, minlength=len(meanings)) > 0
    if present.all():
        return meanings, key
    renumbered = (np.cumsum(present) - 1).astype(np.int32)
    return [meaning for meaning, kept in zip(meanings, present, strict=True) if kept], renumbered.take(key)


def _merged(policy: Policy, bases: Sequence[Actions], base: int, also: Sequence[int]) -> Actions:
    """The actions of one base with the effects that fired."""
    return merge_actions(bases[base], [policy.also[index].then for index in also])


def _enum(names: Sequence[str], codes: Codes) -> pl.Series:
    """Codes as an Enum column; −1 is NULL."""
    dtype = pl.Enum(list(names))
    low = int(codes.min()) if codes.size else 0
    if low >= 0:
        return pl.Series(list(names), dtype=dtype).gather(_indexes(codes))
    if codes.max() < 0:
        return pl.repeat(None, codes.size, dtype=dtype, eager=True)
    return pl.Series([None, *names], dtype=dtype).gather(_indexes(codes + np.int32(1)))


def _indexes(codes: Codes) -> pl.Series:
    """Codes that are not negative as indexes, without a copy."""
    return pl.Series(codes.view(np.uint32))


def _priority(urgency: Codes, key: Codes, context: pl.DataFrame) -> pl.Series:
    """The priority of each action set by key; else the ticket's own if it is one of the four, else normal."""
    normal = _PRIORITIES.index(Priority.NORMAL)
    if "priority_at_creation" not in context.columns or not urgency.size or urgency.min() >= 0:
        return _enum(_PRIORITIES, np.where(urgency < 0, np.int32(normal), urgency)).gather(_indexes(key))
    recorded = context["priority_at_creation"].cast(pl.Enum(_PRIORITIES), strict=False)
    own = recorded.to_physical().cast(pl.Int32).fill_null(normal).to_numpy()
    chosen = urgency.take(key)
    return _enum(_PRIORITIES, np.where(chosen < 0, own, chosen))
