"""A policy on one page: its digest, its items in evaluation order, the columns it reads."""

from __future__ import annotations

from dataclasses import dataclass

from triage_lab.domain.canonical import canonical_json, digest
from triage_lab.domain.policy import DEFAULT_ID, Item, ItemKind, Manifest, Override, Policy, Rule
from triage_lab.domain.predicate import columns_of, plain
from triage_lab.policy.actions import actions_plain
from triage_lab.policy.text import predicate_text


@dataclass(frozen=True, slots=True)
class PolicyRow:
    """One item of ``policy show``; ``when`` is normalised text, ``then`` says the actions in one line."""

    order: int
    item_id: str
    kind: str
    when: str
    route: str
    then: str
    requires: tuple[str, ...]
    overrides: tuple[str, ...]


def policy_digest(policy: Policy) -> str:
    """Return the digest of what a policy decides, 64 hex digits.

    Notes
    -----
    SHA-256 of the canonical JSON of ids, order, predicates in typed form, params with dates, sets, actions, requires,
    validity, invariants and manifests. Not: name, version, stage, comments, key order, spelling of conditions, tests.
    """
    return digest(
        {
            "semantics": "first_match",
            "params": {
                name: [[value.valid_from, value.value] for value in param.values]
                for name, param in policy.params.items()
            },
            "units": {name: param.unit for name, param in policy.params.items()},
            "sets": {name: sorted(members) for name, members in policy.sets.items()},
            "items": [_plain_item(item) for item in policy.items],
            "default": {
                "then": actions_plain(policy.default.then),
                "requires": sorted(policy.default.requires),
                "manifest": _plain_manifest(policy.default.manifest),
            },
            "invariants": [
                [invariant.invariant_id, plain(invariant.never), sorted(invariant.actions)]
                for invariant in sorted(policy.invariants, key=lambda invariant: invariant.invariant_id)
            ],
        }
    )


def columns_read(policy: Policy) -> dict[str, tuple[str, ...]]:
    """Return the columns that each item and the default read, ``requires`` included, by id in file order."""
    found = {}
    for item in policy.items:
        requires = item.requires if isinstance(item, Rule) else ()
        found[item.item_id] = tuple(dict.fromkeys((*columns_of(item.when), *requires)))
    found[DEFAULT_ID] = policy.default.requires
    return found


def guard_columns(policy: Policy) -> tuple[str, ...]:
    """Return the columns whose absence sends tickets to manual triage: read by an override or a ``requires``."""
    found: list[str] = []
    for override in policy.overrides:
        found += columns_of(override.when)
    for rule in policy.rules:
        found += rule.requires
    return tuple(dict.fromkeys((*found, *policy.default.requires)))


def describe(policy: Policy) -> tuple[PolicyRow, ...]:
    """Return one row per item in evaluation order: rules, default, overrides, also.

    ``order`` counts from 1. The masks follow file order instead (overrides first).
    """
    rows = [_row(rule) for rule in policy.rules]
    rows.append(
        PolicyRow(
            0,
            DEFAULT_ID,
            str(ItemKind.DEFAULT),
            "no rule matches",
            str(policy.default.then.route),
            actions_text(actions_plain(policy.default.then)),
            policy.default.requires,
            (),
        )
    )
    rows += [_row(item) for item in policy.overrides]
    rows += [_row(item) for item in policy.also]
    return tuple(
        PolicyRow(number, row.item_id, row.kind, row.when, row.route, row.then, row.requires, row.overrides)
        for number, row in enumerate(rows, start=1)
    )


def actions_text(actions: dict[str, object]) -> str:
    """Return actions in one line.

    Examples
    --------
    >>> actions_text({"route": "billing", "auto_close": True, "watch": ["account-owner"]})
    'route billing · auto_close · watch account-owner'
    """
    parts = []
    for name, value in actions.items():
        if value is True:
            parts.append(name)
        elif isinstance(value, str):
            parts.append(f"{name} {value}")
        elif isinstance(value, list) and all(isinstance(member, str) for member in value):
            parts.append(f"{name} {', '.join(value)}")
        elif isinstance(value, dict):
            parts.append(f"{name} {', '.join(str(member) for member in value.values())}")
        else:
            parts.append(f"{name} {canonical_json(value)}")
    return " · ".join(parts)


def _row(item: Item) -> PolicyRow:
    """The row of an item, not numbered yet."""
    when = predicate_text(item.when)
    if item.valid_from or item.valid_to:
        when = f"{when} [{item.valid_from or '…'} to {item.valid_to or '…'}]"
    return PolicyRow(
        0,
        item.item_id,
        str(item.kind),
        when,
        item.then.route or "",
        actions_text(actions_plain(item.then)),
        item.requires if isinstance(item, Rule) else (),
        item.overrides if isinstance(item, Override) else (),
    )


def _plain_item(item: Item) -> dict[str, object]:
    """An item as plain values for the digest."""
    found: dict[str, object] = {
        "id": item.item_id,
        "kind": str(item.kind),
        "when": plain(item.when),
        "then": actions_plain(item.then),
        "valid": [item.valid_from, item.valid_to],
        "manifest": _plain_manifest(item.manifest),
    }
    if isinstance(item, Rule):
        found["requires"] = sorted(item.requires)
    elif isinstance(item, Override):
        found |= {"overrides": sorted(item.overrides), "on_unknown": str(item.on_unknown)}
    return found


def _plain_manifest(manifest: Manifest) -> list[str | None]:
    """A manifest as plain values for the digest."""
    return [
        manifest.owner,
        manifest.source_system,
        manifest.destination_system,
        manifest.exception_route,
        manifest.qa_checkpoint,
        manifest.reporting_field,
    ]
