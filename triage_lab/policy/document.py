"""A policy file → ``domain.policy.Policy``: everything resolved, typed and checked, every error with its line."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import date
from itertools import pairwise

from triage_lab.domain.desk import ColumnKind, ContextColumn
from triage_lab.domain.documents import Document
from triage_lab.domain.enums import Outcome, Priority
from triage_lab.domain.errors import PolicyError
from triage_lab.domain.policy import (
    ANY,
    DEFAULT_ID,
    MANIFEST_FIELDS,
    Also,
    DatedValue,
    Default,
    Expectation,
    Invariant,
    ItemKind,
    Manifest,
    OnUnknown,
    Override,
    ParamDef,
    Policy,
    PolicyCase,
    Rule,
    Stage,
)
from triage_lab.domain.predicate import Predicate, Value
from triage_lab.policy.actions import ACTION_NAMES, AUTOMATION, Known, read_actions, set_names
from triage_lab.policy.extend import Parents, RawItem, RawPolicy, resolve
from triage_lab.policy.kinds import suggest, value_kind
from triage_lab.policy.lint import check_manifests, findings
from triage_lab.policy.parse import parse_predicate
from triage_lab.policy.reading import Mapped
from triage_lab.policy.tickets import check_value

RESERVED = ("history",)
_ITEM = ("id", "when", "then", "valid_from", "valid_to", "manifest")
_KEYS = {
    ItemKind.RULE: (*_ITEM, "requires"),
    ItemKind.OVERRIDE: (*_ITEM, "overrides", "on_unknown"),
    ItemKind.ALSO: _ITEM,
}


@dataclass(frozen=True, slots=True)
class _Scope:
    """What the names of one policy mean."""

    columns: Mapping[str, ContextColumn]
    params: Mapping[str, ParamDef]
    sets: Mapping[str, tuple[str, ...]]
    known: Known

    def predicate(self, body: Mapped, key: str) -> tuple[Predicate, str]:
        """Read a condition; returns its typed form and its text."""
        text = body.data.get(key)
        if isinstance(text, bool):
            text = "TRUE" if text else "FALSE"
        if not isinstance(text, str):
            shown = "is missing" if text is None else f"is {text!r}"
            raise body.error(key if text is not None else None, f"{key} {shown}", "a condition as text")
        return parse_predicate(text, self.columns, params=self.params, sets=self.sets, place=body.place(key)), text


def parse_policy(
    document: Document,
    columns: Mapping[str, ContextColumn],
    *,
    parents: Parents | None = None,
    teams: Collection[str] | None = None,
    templates: Collection[str] | None = None,
) -> Policy:
    """Read a policy.

    Parameters
    ----------
    document : Document
        The policy file, read once.
    columns : mapping of name to ContextColumn
        What conditions may read (``read_columns()``).
    parents : callable from name to Document, or None
        Loads what ``extends`` names.
    teams, templates : collection of str, or None
        Declared in operations.yaml; None = not checked.

    Returns
    -------
    Policy
        Resolved; what is legal but probably not meant is in ``warnings``.

    Raises
    ------
    PolicyError
        Names file, line, column, what was found and what is allowed.
    """
    raw = resolve(document, parents)
    known = Known(
        None if teams is None else frozenset(teams),
        None if templates is None else frozenset(templates),
    )
    params = {name: _param(name, body) for name, body in raw.params.items()}
    sets = {name: _members(body, name) for name, body in raw.sets.items()}
    for name in sets:
        if name in params:
            raise raw.sets[name].error(name, f"'{name}' is a param and a set", "different names")
    scope = _Scope(columns, params, sets, known)
    policy = _assemble(raw, scope)
    _check_targets(policy, raw)
    check_manifests(policy)
    return replace(policy, warnings=findings(policy, columns))


def _assemble(raw: RawPolicy, scope: _Scope) -> Policy:
    """Read every part of a resolved policy."""
    head = raw.head
    name = head.identifier("policy")
    if name in RESERVED:
        raise head.error("policy", f"the name '{name}'", "another name", "'history' means the decisions really taken")
    if head.choice("semantics", ("first_match", "all_in_order"), "first_match") != "first_match":
        raise head.error(
            "semantics",
            "semantics: all_in_order",
            "semantics: first_match, the only one that this version runs",
            "write the rules so that the first match wins, and effects under also:",
        )
    if raw.default is None:
        raise head.error(None, "no default", "default: {then: {route: TEAM}}", "say who owns what no rule matches")
    items = [_item(item, scope) for item in raw.items]
    rules = tuple(item for item in items if isinstance(item, Rule))
    ids = frozenset(rule.item_id for rule in rules)
    return Policy(
        name=name,
        version=head.text("version"),
        stage=Stage(head.choice("stage", tuple(Stage), Stage.DRAFT)),
        overrides=tuple(item for item in items if isinstance(item, Override)),
        rules=rules,
        also=tuple(item for item in items if isinstance(item, Also)),
        default=_default(raw.default, scope),
        params=scope.params,
        sets=scope.sets,
        invariants=_invariants(raw.invariants, scope),
        tests=_tests(head, scope, ids | {item.item_id for item in items} | {DEFAULT_ID}),
        extends=raw.extends,
        file=head.document.file,
    )


def _item(raw: RawItem, scope: _Scope) -> Rule | Override | Also:
    """Read a rule, override or also-item."""
    body = raw.body
    body.only(*_KEYS[raw.kind])
    when, text = scope.predicate(body, "when")
    then = read_actions(body, raw.kind, scope.known)
    start, end = body.day("valid_from"), body.day("valid_to")
    if start is not None and end is not None and start >= end:
        raise body.error("valid_to", f"valid_to {end} is not after valid_from {start}", "a later day (it is exclusive)")
    manifest, place = _manifest(body), body.place()
    if raw.kind is ItemKind.RULE:
        requires = _requires(body, scope)
        _check_guard(body, set_names(then), requires)
        return Rule(raw.item_id, when, text, then, requires, start, end, manifest, place)
    if raw.kind is ItemKind.OVERRIDE:
        listed = body.texts("overrides")
        if not listed:
            raise body.error(
                None,
                "overrides is missing or empty",
                '["*"], or the ids it may replace',
                "an exception path names them",
            )
        word = body.choice("on_unknown", tuple(OnUnknown), OnUnknown.MANUAL_TRIAGE)
        return Override(raw.item_id, when, text, then, listed, OnUnknown(word), start, end, manifest, place)
    return Also(raw.item_id, when, text, then, start, end, manifest, place)


def _default(body: Mapped, scope: _Scope) -> Default:
    """Read the default."""
    body.only("then", "requires", "manifest")
    then = read_actions(body, ItemKind.DEFAULT, scope.known)
    requires = _requires(body, scope)
    _check_guard(body, set_names(then), requires)
    return Default(then, requires, _manifest(body), body.place())


def _requires(body: Mapped, scope: _Scope) -> tuple[str, ...]:
    """Read the columns that must be known."""
    found = body.texts("requires")
    for name in found:
        if name not in scope.columns:
            raise body.error("requires", f"unknown column '{name}'", suggest(name, scope.columns, "columns"))
    return found


def _check_guard(body: Mapped, actions: Collection[str], requires: tuple[str, ...]) -> None:
    """Refuse automation without ``requires``."""
    automatic = [name for name in AUTOMATION if name in actions]
    if automatic and not requires:
        raise body.error(
            "then",
            f"{', '.join(automatic)} without requires",
            "requires: [COLUMN, …] beside then",
            "name the columns that must be known before anything happens by itself",
        )


def _check_targets(policy: Policy, raw: RawPolicy) -> None:
    """Refuse overrides that list what is not there, and invariant ids that stand twice."""
    bodies = {item.item_id: item.body for item in raw.items}
    allowed = [rule.item_id for rule in policy.rules] + [DEFAULT_ID, ANY]
    for override in policy.overrides:
        for target in override.overrides:
            if target not in allowed:
                raise bodies[override.item_id].error(
                    "overrides", f"overrides names '{target[:60]}'", suggest(target, allowed, "rule ids"), "name a rule"
                )


def _manifest(body: Mapped) -> Manifest:
    """Read the six fields of a manifest."""
    fields = body.mapping("manifest")
    fields.only(*MANIFEST_FIELDS)
    return Manifest(*(fields.optional_text(name) for name in MANIFEST_FIELDS))


def _param(name: str, body: Mapped) -> ParamDef:
    """Read a threshold, plain or dated."""
    body.only("value", "values", "unit")
    if body.has("value") == body.has("values"):
        raise body.error(
            None, f"the param '{name}' has no single form", "{value: …} or {values: [{from: …, value: …}]}"
        )
    unit = body.optional_text("unit") or ""
    if body.has("value"):
        value = body.constant("value")
        return ParamDef(name, value_kind(value), (DatedValue(None, value),), unit, body.place())
    dated: list[DatedValue] = []
    for entry in body.listed("values"):
        entry.only("from", "value")
        dated.append(DatedValue(entry.day("from"), entry.constant("value")))
    kinds = {_broad(value_kind(item.value)) for item in dated}
    days = [item.valid_from or date.min for item in dated]
    if not dated or len(kinds) != 1 or any(one >= other for one, other in pairwise(days)):
        raise body.error("values", f"the values of '{name}'", "at least one, of one kind, each from a later day")
    return ParamDef(name, kinds.pop(), tuple(dated), unit, body.place())


def _broad(kind: ColumnKind) -> ColumnKind:
    """Whole numbers and decimals are one kind of threshold."""
    return ColumnKind.DECIMAL if kind is ColumnKind.INTEGER else kind


def _members(body: Mapped, name: str) -> tuple[str, ...]:
    """Read a set."""
    found = body.texts(name)
    if not found:
        raise body.error(name, f"the set '{name}' is empty", "at least one text", "add one, or drop the set")
    return found


def _invariants(bodies: tuple[Mapped, ...], scope: _Scope) -> tuple[Invariant, ...]:
    """Read the promises."""
    found: dict[str, Invariant] = {}
    for body in bodies:
        body.only("id", "never", "with")
        name = body.identifier("id")
        if name in found:
            raise body.error("id", f"the invariant '{name}' stands twice", "each id once")
        never, text = scope.predicate(body, "never")
        actions = body.texts("with")
        for action in actions:
            if action not in ACTION_NAMES:
                raise body.error("with", f"unknown action '{action[:60]}'", suggest(action, ACTION_NAMES))
        if not actions:
            raise body.error(None, "with is missing", "with: [ACTION, …]", "say what must never happen")
        found[name] = Invariant(name, never, text, actions, body.place())
    return tuple(found.values())


def _tests(head: Mapped, scope: _Scope, ids: Collection[str]) -> tuple[PolicyCase, ...]:
    """Read the cases."""
    found: dict[str, PolicyCase] = {}
    for body in head.listed("tests"):
        body.only("name", "ticket", "expect", "arrived_on")
        name = body.text("name")
        if name in found:
            raise body.error("name", f"the test '{name[:60]}' stands twice", "each name once")
        found[name] = PolicyCase(name, _ticket(body, scope), _expect(body, ids), body.day("arrived_on"), body.place())
    return tuple(found.values())


def _ticket(body: Mapped, scope: _Scope) -> dict[str, Value | None]:
    """Read the ticket of a case; every value has the kind of its column."""
    ticket = body.mapping("ticket")
    found: dict[str, Value | None] = {}
    for name in ticket.data:
        column = scope.columns.get(name)
        if column is None:
            raise ticket.error(name, f"unknown column '{name}'", suggest(name, scope.columns, "columns"))
        value = None if ticket.data[name] is None else ticket.constant(name)
        found[name] = check_value(value, column, ticket.place(name))
    return found


def _expect(body: Mapped, ids: Collection[str]) -> Expectation:
    """Read what a case expects."""
    expect = body.mapping("expect")
    expect.only("rule", "route", "outcome", "priority", "actions", "without")
    if not expect.data:
        raise body.error(None, "expect is missing", "expect: {rule: ID, route: TEAM}", "say what should happen")
    rule = expect.optional_text("rule")
    if rule is not None and rule not in ids:
        raise expect.error("rule", f"no item '{rule[:60]}'", suggest(rule, ids, "ids"))
    actions = expect.mapping("actions")
    actions.only(*ACTION_NAMES)
    without = expect.texts("without")
    for name in without:
        if name not in ACTION_NAMES:
            raise PolicyError(
                f"unknown action '{name[:60]}'", suggest(name, ACTION_NAMES), place=expect.place("without")
            )
    return Expectation(
        rule=rule,
        route=expect.optional_text("route"),
        outcome=Outcome(expect.choice("outcome", tuple(Outcome))) if expect.has("outcome") else None,
        priority=Priority(expect.choice("priority", tuple(Priority))) if expect.has("priority") else None,
        actions=dict(actions.data),
        without=without,
    )
