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
from triage_lab.policy.partition import Part, parts
from triage_lab.policy.polars_predicate import (
    ARRIVED,
    Dated,
    columns_with_kinds,
    evaluate,
    prepare,
)

BITS = 64
_OUTCOMES = tuple(str(outcome) for outcome in Outcome)
_PRIORITIES = tuple(str(priority) for priority in Priority)
_CODE = {outcome: index for index, outcome in enumerate(Outcome)}
Bools = np.ndarray[Any, np.dtype[np.bool_]]
Codes = np.ndarray[Any, np.dtype[np.int32]]
Words = np.ndarray[Any, np.dtype[np.uint64]]


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


@dataclass(frozen=True, slots=True)
class _Truths:
    """Fired and unknown of every item, None where it never is; ``absent``: where a required column is NULL."""

    fired: list[Bools | None]
    unknown: list[Bools | None]
    absent: dict[str, Bools]


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
    winner = np.full(part.rows.size, default, dtype=np.int32)
    for index in reversed(range(first_rule, default)):
        requires = policy.rules[index - first_rule].requires
        unknown = truths.unknown[index]
        fired = truths.fired[index]
        if fired is not None:
            np.copyto(winner, index, where=fired)
        if requires and unknown is not None:
            np.copyto(winner, index, where=unknown & _any_absent(requires, truths))
    rule, outcome, base, free = _overridden(policy, truths, winner, default)
    lacking = free & _lacking(policy, truths, winner, first_rule)
    np.copyto(base, default + 1, where=lacking)
    np.copyto(outcome, _CODE[Outcome.MANUAL_REQUIRES], where=lacking)
    overridden = np.where(free, np.int32(-1), winner)
    never: Bools = np.zeros(winner.size, dtype=np.bool_)
    also = tuple(never if flag is None else flag for flag in truths.fired[default:])
    return _Decided(
        rule, overridden, outcome, base, also, _packed(truths.fired, winner.size), _packed(truths.unknown, winner.size)
    )


def _truths(compiled: CompiledPolicy, part: Part) -> _Truths:
    """Evaluate every item that may matter, and which required columns are NULL."""
    policy = compiled.policy
    dated = Dated(policy.params, compiled.timezone)
    named = {f":item{i}": predicate for i, predicate in enumerate(compiled.predicates) if part.active[i]}
    frame = evaluate(part.prepared, named, dated)
    windows = {f":item{i}": dated.valid(item.valid_from, item.valid_to) for i, item in enumerate(policy.items)}
    inside = {name: window for name, window in windows.items() if window is not None and name in named}
    if inside:
        within = evaluate(part.prepared, inside)
        closed = [pl.when(within[name]).then(frame[name]).otherwise(pl.lit(False)).alias(name) for name in inside]
        frame = frame.with_columns(closed)
    fired: list[Bools | None] = [None] * len(policy.items)
    unknown: list[Bools | None] = [None] * len(policy.items)
    for name, series in zip(named, frame.iter_columns(), strict=True):
        index = int(name.removeprefix(":item"))
        some = series.null_count() > 0
        fired[index] = (series.fill_null(False) if some else series).to_numpy()
        unknown[index] = series.is_null().to_numpy() if some else None
    absent = {name: part.prepared.frame[name].is_null().to_numpy() for name in _required(policy)}
    return _Truths(fired, unknown, absent)


def _any_absent(requires: Sequence[str], truths: _Truths) -> Bools:
    """Where any of the columns is NULL."""
    found = truths.absent[requires[0]]
    for name in requires[1:]:
        found = found | truths.absent[name]
    return found


def _overridden(policy: Policy, truths: _Truths, winner: Codes, default: int) -> tuple[Codes, Codes, Codes, Bools]:
    """Apply the overrides; returns rule, outcome, base and where none applied."""
    rule, base = winner.copy(), winner.copy()
    outcome = np.full(winner.size, _CODE[Outcome.RULE], dtype=np.int32)
    np.copyto(outcome, _CODE[Outcome.DEFAULT], where=winner == default)
    free: Bools = np.ones(winner.size, dtype=np.bool_)
    ids = ids_of(policy)
    for index, override in enumerate(policy.overrides):
        listed = np.array([override.lists(name) for name in ids], dtype=np.bool_)
        asked = free if listed[len(policy.overrides) :].all() else free & listed.take(winner)
        fired = truths.fired[index]
        applied = asked & fired if fired is not None else np.zeros_like(asked)
        np.copyto(base, index, where=applied)
        np.copyto(outcome, _CODE[Outcome.OVERRIDE], where=applied)
        unknown = truths.unknown[index]
        if unknown is not None and override.on_unknown is OnUnknown.MANUAL_TRIAGE:
            stuck = asked & unknown
            np.copyto(base, default + 1, where=stuck)
            np.copyto(outcome, _CODE[Outcome.MANUAL_UNKNOWN], where=stuck)
            applied = applied | stuck
        np.copyto(rule, index, where=applied)
        free = free & ~applied
    return rule, outcome, base, free


def _lacking(policy: Policy, truths: _Truths, winner: Codes, first_rule: int) -> Bools:
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


def _packed(flags: Sequence[Bools | None], size: int) -> tuple[Words, ...]:
    """Pack one flag per item into 64-bit words, item i in bit i % 64 of word i // 64; at least one word."""
    words = []
    for start in range(0, max(len(flags), 1), BITS):
        word = np.zeros(size, dtype=np.uint64)
        for shift in range(0, BITS, 8):
            group = flags[start + shift : min(start + shift + 8, start + BITS)]
            if any(flag is not None for flag in group):
                word |= _packed_byte(group, size).astype(np.uint64) << np.uint64(shift)
        words.append(word)
    return tuple(words)


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
        "owner_team": _enum(owners, owner.take(decided.base)),
        "priority": _priority(urgency.take(key_of_row), context),
        "action_set_id": pl.Series(set_id.take(key_of_row), dtype=pl.UInt32),
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
    present = np.zeros(len(meanings), dtype=np.bool_)
    present[key] = True
    renumbered = (np.cumsum(present) - 1).astype(np.int32)
    return [meaning for meaning, kept in zip(meanings, present, strict=True) if kept], renumbered.take(key)


def _merged(policy: Policy, bases: Sequence[Actions], base: int, also: Sequence[int]) -> Actions:
    """The actions of one base with the effects that fired."""
    return merge_actions(bases[base], [policy.also[index].then for index in also])


def _enum(names: Sequence[str], codes: Codes) -> pl.Series:
    """Codes as an Enum column; −1 is NULL."""
    dtype = pl.Enum(list(names))
    labels = pl.Series([*names, None], dtype=dtype)
    indexes = np.where(codes < 0, len(names), codes).astype(np.uint32) if codes.size and codes.min() < 0 else codes
    return labels.gather(pl.Series(indexes, dtype=pl.UInt32))


def _priority(urgency: Codes, context: pl.DataFrame) -> pl.Series:
    """The policy's priority, else the ticket's own if it is one of the four, else normal."""
    if not urgency.size or urgency.min() >= 0:
        return _enum(_PRIORITIES, urgency)
    normal = _PRIORITIES.index(Priority.NORMAL)
    if "priority_at_creation" not in context.columns:
        return _enum(_PRIORITIES, np.where(urgency < 0, np.int32(normal), urgency))
    recorded = context["priority_at_creation"].cast(pl.Enum(_PRIORITIES), strict=False)
    own = recorded.to_physical().cast(pl.Int32).fill_null(normal).to_numpy()
    return _enum(_PRIORITIES, np.where(urgency < 0, own, urgency))
