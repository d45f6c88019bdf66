"""``extends``: a policy as another one plus named changes, resolved before anything is read further."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from triage_lab.domain.documents import Document
from triage_lab.domain.policy import DEFAULT_ID, ItemKind
from triage_lab.policy.kinds import suggest
from triage_lab.policy.reading import IDENTIFIER, Mapped, root

MAX_ANCESTORS = 16
SECTIONS = {ItemKind.OVERRIDE: "overrides", ItemKind.RULE: "rules", ItemKind.ALSO: "also"}
_COMMON = ("policy", "version", "stage", "params", "sets", "default", "invariants", "tests", "semantics")
_OWN = (*_COMMON, *SECTIONS.values())
_CHILD = (*_COMMON, "extends", "replace", "insert", "drop")
Parents = Callable[[str], Document]


@dataclass(frozen=True, slots=True)
class RawItem:
    """An item not read yet, in the document where it was written."""

    item_id: str
    kind: ItemKind
    body: Mapped


@dataclass(frozen=True, slots=True)
class RawPolicy:
    """A policy whose ancestors are folded in, but whose values are not read yet."""

    head: Mapped
    items: tuple[RawItem, ...]
    default: Mapped | None
    params: Mapping[str, Mapped] = field(default_factory=dict)
    sets: Mapping[str, Mapped] = field(default_factory=dict)
    invariants: tuple[Mapped, ...] = ()
    extends: str | None = None


def resolve(document: Document, parents: Parents | None) -> RawPolicy:
    """Return a document's policy with ``extends`` resolved.

    Parameters
    ----------
    document : Document
        The policy file.
    parents : callable or None
        Loads a policy's document by name; None if there is nowhere to look.

    Raises
    ------
    PolicyError
        A circle, an unknown parent, a change that names an id that is not there.

    Notes
    -----
    The changes apply in the order replace, drop, insert, so dropping an id and inserting it elsewhere moves it. Params
    and sets of the same name replace the parent's; invariants are inherited and added to; tests are not inherited.
    """
    return _resolve(document, parents, ())


def _resolve(document: Document, parents: Parents | None, seen: tuple[str, ...]) -> RawPolicy:
    """Resolve one generation."""
    head = root(document)
    if not head.has("extends"):
        head.only(*_OWN, "extends")
        return _own(head)
    head.only(*_CHILD)
    parent_name = head.identifier("extends")
    chain = (*seen, str(head.data.get("policy")))
    if parent_name in chain:
        raise head.error(
            "extends", f"a circle: {' extends '.join((*chain, parent_name))}", "a policy that ends the chain"
        )
    if len(chain) > MAX_ANCESTORS:
        raise head.error("extends", f"more than {MAX_ANCESTORS} ancestors", "a shorter chain")
    if parents is None:
        raise head.error(
            "extends", f"extends '{parent_name}'", "a policy without extends", "policies cannot be looked up here"
        )
    base = _resolve(parents(parent_name), parents, chain)
    return _changed(base, head, parent_name)


def _own(head: Mapped) -> RawPolicy:
    """A policy that extends nothing."""
    items: list[RawItem] = []
    for kind, section in SECTIONS.items():
        for body in head.listed(section):
            items.append(_raw(body, kind, items))
    return RawPolicy(
        head=head,
        items=tuple(items),
        default=head.mapping("default") if head.has("default") else None,
        params=dict(head.entries("params")),
        sets=_set_bodies(head),
        invariants=tuple(head.listed("invariants")),
    )


def _changed(base: RawPolicy, head: Mapped, parent: str) -> RawPolicy:
    """The parent with the child's named changes."""
    items, default = _replaced(list(base.items), base.default, head)
    items = _dropped(items, head)
    for change in head.listed("insert"):
        items = _inserted(items, change)
    return replace(
        base,
        head=head,
        items=tuple(sorted(items, key=lambda item: list(SECTIONS).index(item.kind))),
        default=head.mapping("default") if head.has("default") else default,
        params={**base.params, **dict(head.entries("params"))},
        sets={**base.sets, **_set_bodies(head)},
        invariants=(*base.invariants, *head.listed("invariants")),
        extends=parent,
    )


def _replaced(items: list[RawItem], default: Mapped | None, head: Mapped) -> tuple[list[RawItem], Mapped | None]:
    """Apply ``replace: {id: ITEM}``."""
    changes = head.mapping("replace")
    for item_id in changes.data:
        body = changes.mapping(item_id)
        if item_id == DEFAULT_ID:
            default = body
            continue
        index = _index(items, item_id, changes, item_id)
        if body.data.get("id", item_id) != item_id:
            raise body.error("id", f"id '{body.data['id']}' under replace: {item_id}", "the same id, or none")
        items[index] = RawItem(item_id, items[index].kind, body)
    return items, default


def _dropped(items: list[RawItem], head: Mapped) -> list[RawItem]:
    """Apply ``drop: [id]``."""
    for item_id in head.texts("drop"):
        del items[_index(items, item_id, head, "drop")]
    return items


def _inserted(items: list[RawItem], change: Mapped) -> list[RawItem]:
    """Apply one entry of ``insert``; without before or after the item comes last of its kind."""
    change.only("before", "after", *(kind.value for kind in SECTIONS))
    kinds = [kind for kind in SECTIONS if change.has(kind.value)]
    if len(kinds) != 1 or (change.has("before") and change.has("after")):
        raise change.error(None, "an unclear insert", "{before: ID or after: ID, rule: ITEM or override: or also:}")
    new = _raw(change.mapping(kinds[0].value), kinds[0], items)
    anchor = next((key for key in ("before", "after") if change.has(key)), None)
    if anchor is None:
        return [*items, new]
    index = _index(items, change.text(anchor), change, anchor)
    if items[index].kind is not new.kind:
        raise change.error(
            anchor, f"'{items[index].item_id}' is an {items[index].kind} item", f"an id of {SECTIONS[new.kind]}"
        )
    cut = index + (anchor == "after")
    return [*items[:cut], new, *items[cut:]]


def _raw(body: Mapped, kind: ItemKind, others: list[RawItem]) -> RawItem:
    """Read an item's id; ids are unique over all kinds."""
    item_id = body.identifier("id")
    if item_id == DEFAULT_ID:
        raise body.error("id", f"'{DEFAULT_ID}' is the id of the default", "another id")
    twin = next((other for other in others if other.item_id == item_id), None)
    if twin is not None:
        raise body.error("id", f"the id '{item_id}' stands twice (first at {twin.body.place('id')})", "each id once")
    return RawItem(item_id, kind, body)


def _index(items: list[RawItem], item_id: str, at: Mapped, key: str) -> int:
    """Where an id is, or an error naming the nearest."""
    for index, item in enumerate(items):
        if item.item_id == item_id:
            return index
    shown = item_id[:60] if IDENTIFIER.match(item_id) else repr(item_id[:60])
    raise at.error(key, f"no item '{shown}' in the parent", suggest(item_id, [item.item_id for item in items], "ids"))


def _set_bodies(head: Mapped) -> dict[str, Mapped]:
    """The sets of a document, each with the mapping that holds it."""
    group = head.mapping("sets")
    for name in group.data:
        if not name.isidentifier() or not name.isascii():
            raise group.error(name, f"'{name[:60]}' is no name", "letters, digits and _, not a digit first")
    return dict.fromkeys(group.data, group)
