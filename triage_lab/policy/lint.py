"""What is legal in a policy but probably not meant; and what a live policy may not lack."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from triage_lab.domain.desk import ContextColumn
from triage_lab.domain.errors import Place, PolicyError
from triage_lab.domain.policy import DEFAULT_ID, Finding, Manifest, OnUnknown, Policy, Stage
from triage_lab.domain.predicate import Between, IsNull, Literal, Node, Not, Param, Predicate, SetRef, columns_of, walk
from triage_lab.policy.actions import conflicting_scalars


def check_manifests(policy: Policy) -> None:
    """Refuse a live policy with an incomplete manifest.

    Raises
    ------
    PolicyError
        Names the item and the missing fields.
    """
    if policy.stage is not Stage.LIVE:
        return
    for item_id, missing, place in _incomplete(policy):
        raise PolicyError(
            f"'{item_id}' has no {', '.join(missing)} in its manifest",
            "all six fields at stage: live",
            "fill in the manifest, or set stage: draft",
            place=place,
        )


def findings(policy: Policy, columns: Mapping[str, ContextColumn]) -> tuple[Finding, ...]:
    """Return the warnings of a policy, in file order within each kind.

    Parameters
    ----------
    policy : Policy
        A parsed policy.
    columns : mapping of name to ContextColumn
        Says which columns may be NULL.

    Returns
    -------
    tuple of Finding
        Kinds: unused_param, unused_set, on_unknown_no_match, nullable_under_negation, empty_range,
        scalar_set_twice, manifest_incomplete.
    """
    return (
        *_unused(policy),
        *_open_overrides(policy),
        *_conditions(policy, columns),
        *_scalars(policy),
        *_manifests(policy),
    )


def _predicates(policy: Policy) -> Iterator[tuple[str, Predicate, Place]]:
    """Every condition with its id and place."""
    for item in policy.items:
        yield item.item_id, item.when, item.place
    for invariant in policy.invariants:
        yield invariant.invariant_id, invariant.never, invariant.place


def _unused(policy: Policy) -> Iterator[Finding]:
    """Params and sets that nothing reads."""
    used: set[tuple[str, str]] = set()
    for _, predicate, _ in _predicates(policy):
        for node in walk(predicate):
            if isinstance(node, Param | SetRef):
                used.add((type(node).__name__, node.name))
    for name, param in policy.params.items():
        if ("Param", name) not in used:
            yield Finding("unused_param", None, f"the param '{name}' is not used", param.place)
    for name in policy.sets:
        if ("SetRef", name) not in used:
            yield Finding("unused_set", None, f"the set '{name}' is not used", Place(policy.file))


def _open_overrides(policy: Policy) -> Iterator[Finding]:
    """Overrides that do not fail closed."""
    for override in policy.overrides:
        if override.on_unknown is OnUnknown.NO_MATCH:
            message = f"'{override.item_id}' is skipped where its condition is unknown, so it does not fail closed"
            yield Finding("on_unknown_no_match", override.item_id, message, override.place)


def _conditions(policy: Policy, columns: Mapping[str, ContextColumn]) -> Iterator[Finding]:
    """Negated columns that may be NULL, and ranges that hold nothing."""
    for item_id, predicate, place in _predicates(policy):
        checked = {
            column for node in walk(predicate) if isinstance(node, IsNull) for column in columns_of(node.operand)
        }
        for column in _negated(predicate):
            if column not in checked and (column not in columns or columns[column].nullable):
                message = (
                    f"'{item_id}' negates {column}, which may be NULL: such tickets do not match; add IS [NOT] NULL"
                )
                yield Finding("nullable_under_negation", item_id, message, place)
        for node in walk(predicate):
            if isinstance(node, Between) and _empty(node):
                yield Finding("empty_range", item_id, f"'{item_id}' has a BETWEEN that holds nothing", place)


def _negated(predicate: Node) -> tuple[str, ...]:
    """Columns below a NOT, each once."""
    found: list[str] = []
    for node in walk(predicate):
        if isinstance(node, Not) and not isinstance(node.item, IsNull):
            found += columns_of(node.item)
    return tuple(dict.fromkeys(found))


def _empty(node: Between) -> bool:
    """Whether both ends are constants in the wrong order."""
    if not isinstance(node.low, Literal) or not isinstance(node.high, Literal):
        return False
    return bool(node.low.value > node.high.value)  # type: ignore[operator]  # checked: of one kind


def _scalars(policy: Policy) -> Iterator[Finding]:
    """Scalars that a winner and an effect set to different values."""
    for also in policy.also:
        for item_id, actions in policy.actions():
            if item_id == also.item_id:
                continue
            for name in conflicting_scalars(actions, also.then):
                message = f"'{also.item_id}' and '{item_id}' set {name} to different values; the winner's is kept"
                yield Finding("scalar_set_twice", also.item_id, message, also.place)


def _incomplete(policy: Policy) -> Iterator[tuple[str, tuple[str, ...], Place]]:
    """Items whose manifest lacks fields."""
    owners: list[tuple[str, Manifest, Place]] = [(item.item_id, item.manifest, item.place) for item in policy.items]
    owners.append((DEFAULT_ID, policy.default.manifest, policy.default.place))
    for item_id, manifest, place in owners:
        if manifest.missing:
            yield item_id, manifest.missing, place


def _manifests(policy: Policy) -> Iterator[Finding]:
    """Manifests to be completed before the policy goes live."""
    for item_id, missing, place in _incomplete(policy):
        message = f"the manifest of '{item_id}' lacks {', '.join(missing)}"
        yield Finding("manifest_incomplete", item_id, message, place)
