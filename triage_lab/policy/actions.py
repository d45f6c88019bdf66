"""What an item does: read from a file, written back in the file's form, merged for one ticket."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TypeVar

from triage_lab.domain.desk import is_name
from triage_lab.domain.enums import Priority
from triage_lab.domain.errors import PolicyError
from triage_lab.domain.policy import (
    Actions,
    Credit,
    Escalate,
    Hold,
    ItemKind,
    Notify,
    Remind,
    StatusUpdate,
)
from triage_lab.policy.kinds import suggest
from triage_lab.policy.reading import IDENTIFIER, Mapped, duration_text, say

PEOPLE = ("account-executive", "account-owner", "requester")
ACTION_NAMES = (
    "route",
    "queue",
    "with",
    "watch",
    "priority",
    "reply",
    "remind",
    "auto_close",
    "pause_auto_close",
    "hold",
    "soft_hold",
    "escalate",
    "notify",
    "status_update",
    "sync",
    "credit",
    "discount",
)
AUTOMATION = ("auto_close", "reply", "remind")
_T = TypeVar("_T")
_LARGEST = Decimal(10) ** 15


@dataclass(frozen=True, slots=True)
class Known:
    """Names that actions may use; None = not checked (there is no operations.yaml)."""

    teams: frozenset[str] | None = None
    templates: frozenset[str] | None = None


def read_actions(item: Mapped, kind: ItemKind, known: Known) -> Actions:
    """Read ``then:`` of an item.

    Parameters
    ----------
    item : Mapped
        The item that holds ``then``.
    kind : ItemKind
        Rules, overrides and the default must route; an also-item may not route, close, reply or remind.
    known : Known
        Declared teams and templates.

    Raises
    ------
    PolicyError
        With the place of what is missing, unknown or not allowed there.
    """
    if not item.has("then"):
        raise item.error(None, "then is missing", "then: {route: TEAM, …}", "say what happens")
    then = item.mapping("then")
    then.only(*ACTION_NAMES)
    if kind is ItemKind.ALSO:
        _check_also(then)
    elif not then.has("route"):
        raise then.error(None, "no route", "route: TEAM", "say who owns the ticket")
    if then.has("with") != then.has("queue"):
        raise then.error(None, "queue and with stand alone", "queue: joint together with: [TEAM]", "give both")
    if then.has("queue"):
        then.choice("queue", ("joint",))
    return Actions(
        route=_team(then, "route", known) if then.has("route") else None,
        queue="joint" if then.has("queue") else None,
        with_teams=tuple(_declared(then, "with", team, known.teams, "teams") for team in then.texts("with")),
        watch=tuple(_who(then, "watch", who, known) for who in then.texts("watch")),
        priority=Priority(then.choice("priority", tuple(Priority))) if then.has("priority") else None,
        reply=_reply(then, known),
        remind=_remind(then, known),
        auto_close=then.flag("auto_close"),
        pause_auto_close=then.flag("pause_auto_close"),
        holds=tuple(_hold(hold) for hold in then.one_or_many("hold")),
        soft_holds=_words(then, "soft_hold"),
        escalate=_escalate(then, known),
        notify=tuple(_notify(entry, known) for entry in then.one_or_many("notify")),
        status_update=tuple(_status_update(entry, known) for entry in then.one_or_many("status_update")),
        sync=_words(then, "sync"),
        credit=_credit(then),
        discount_max_pct=_discount(then),
    )


def actions_plain(actions: Actions) -> dict[str, object]:
    """Return actions in the form of a policy file: only what is set, durations in their largest unit."""
    found: dict[str, object] = {
        "route": actions.route,
        "queue": actions.queue,
        "with": list(actions.with_teams),
        "watch": list(actions.watch),
        "priority": actions.priority.value if actions.priority else None,
        "reply": {"template": actions.reply} if actions.reply else None,
        "remind": _set_only(
            {
                "template": actions.remind.template,
                "steps": actions.remind.steps,
                "every": duration_text(actions.remind.every_seconds),
            }
        )
        if actions.remind
        else None,
        "auto_close": actions.auto_close or None,
        "pause_auto_close": actions.pause_auto_close or None,
        "hold": _single([{"kind": hold.kind, "until": hold.until} for hold in actions.holds]),
        "soft_hold": _single(list(actions.soft_holds)),
        "escalate": {"to": actions.escalate.to, "after": duration_text(actions.escalate.after_seconds)}
        if actions.escalate
        else None,
        "notify": _single([_set_only({"who": n.who, "template": n.template}) for n in actions.notify]),
        "status_update": _single(
            [{"who": update.who, "every": duration_text(update.every_seconds)} for update in actions.status_update]
        ),
        "sync": _single(list(actions.sync)),
        "credit": {"max": actions.credit.max, "currency": actions.credit.currency} if actions.credit else None,
        "discount": {"max_pct": actions.discount_max_pct} if actions.discount_max_pct is not None else None,
    }
    return {name: value for name, value in found.items() if value is not None and value != []}


def merge_actions(winner: Actions, effects: Iterable[Actions]) -> Actions:
    """Return what is done for one ticket: the winner's actions and the effects of every match.

    Lists are united in file order, the highest priority wins, a scalar set to two values keeps the winner's (or
    the first effect's), holds and pauses only grow, and a paused auto-close never closes.
    """
    merged = winner
    for effect in effects:
        first, second = merged, effect
        merged = Actions(
            route=first.route,
            queue=first.queue or second.queue,
            with_teams=_united(first.with_teams, second.with_teams),
            watch=_united(first.watch, second.watch),
            priority=_highest(first.priority, second.priority),
            reply=first.reply or second.reply,
            remind=first.remind or second.remind,
            auto_close=first.auto_close or second.auto_close,
            pause_auto_close=first.pause_auto_close or second.pause_auto_close,
            holds=_united(first.holds, second.holds),
            soft_holds=_united(first.soft_holds, second.soft_holds),
            escalate=first.escalate or second.escalate,
            notify=_united(first.notify, second.notify),
            status_update=_united(first.status_update, second.status_update),
            sync=_united(first.sync, second.sync),
            credit=first.credit or second.credit,
            discount_max_pct=first.discount_max_pct if first.discount_max_pct is not None else second.discount_max_pct,
        )
    return replace(merged, auto_close=False) if merged.pause_auto_close else merged


def manual_actions(team: str) -> Actions:
    """Return what manual triage does: a person looks, nothing closes by itself."""
    return Actions(route=team, pause_auto_close=True)


def conflicting_scalars(winner: Actions, effect: Actions) -> tuple[str, ...]:
    """Return the names of scalars that both set, to different values."""
    found = []
    for name, field in (("escalate", "escalate"), ("credit", "credit"), ("discount", "discount_max_pct")):
        one, other = getattr(winner, field), getattr(effect, field)
        if one is not None and other is not None and one != other:
            found.append(name)
    return tuple(found)


def templates_of(actions: Actions) -> tuple[str, ...]:
    """Return the templates that actions use, each once."""
    named = [actions.reply, actions.remind.template if actions.remind else None, *(n.template for n in actions.notify)]
    return tuple(dict.fromkeys(name for name in named if name))


def set_names(actions: Actions) -> frozenset[str]:
    """Return the names of everything that actions set, as in a policy file."""
    return frozenset(actions_plain(actions))


def _check_also(then: Mapped) -> None:
    """Refuse what an also-item may not do: it never owns a ticket, and nothing guards it."""
    for name in ("route", *AUTOMATION):
        if name in then.data:
            why = "never changes the owner" if name == "route" else "has no requires to guard automation"
            raise then.error(name, f"{name} in an also-item, which {why}", "effects beside the winner's", "use a rule")
    if not then.data:
        raise then.error(None, "nothing is done", "at least one effect", "add one, or drop the item")


def _team(then: Mapped, key: str, known: Known) -> str:
    """A team that exists."""
    return _declared(then, key, then.team_name(key), known.teams, "teams")


def _who(then: Mapped, key: str, who: str, known: Known) -> str:
    """A team, or one of the people every desk has."""
    if who in PEOPLE:
        return who
    allowed = None if known.teams is None else known.teams | set(PEOPLE)
    return _declared(then, key, who, allowed, "teams and people")


def _declared(then: Mapped, key: str, name: str, allowed: Collection[str] | None, what: str) -> str:
    """Refuse a name that is not declared."""
    if not (IDENTIFIER.match(name) if what == "templates" else is_name(name)):
        raise then.error(key, f"'{name[:60]}' is no name for {what}", "a name of at most 100 printable characters")
    if allowed is not None and name not in allowed:
        listed = ", ".join(sorted(allowed)) or "none"
        near = suggest(name, allowed)
        expected = f"{near} declared {what}: {listed}" if near.startswith("did") else f"declared {what}: {listed}"
        raise then.error(key, f"{key} names '{name}', which is not declared", expected, "declare it in operations.yaml")
    return name


def _template(then: Mapped, known: Known, *, required: bool) -> str | None:
    """A template that exists."""
    if not required and not then.has("template"):
        return None
    return _declared(then, "template", then.identifier("template"), known.templates, "templates")


def _reply(then: Mapped, known: Known) -> str | None:
    """reply: {template}."""
    if not then.has("reply"):
        return None
    reply = then.mapping("reply")
    reply.only("template")
    return _template(reply, known, required=True)


def _remind(then: Mapped, known: Known) -> Remind | None:
    """remind: {template, steps, every}."""
    if not then.has("remind"):
        return None
    remind = then.mapping("remind")
    remind.only("template", "steps", "every")
    return Remind(remind.integer("steps", 1, 100), remind.seconds("every"), _template(remind, known, required=False))


def _hold(hold: Mapped) -> Hold:
    """hold: {kind, until}."""
    hold.only("kind", "until")
    return Hold(hold.identifier("kind"), hold.identifier("until"))


def _escalate(then: Mapped, known: Known) -> Escalate | None:
    """escalate: {to, after}."""
    if not then.has("escalate"):
        return None
    escalate = then.mapping("escalate")
    escalate.only("to", "after")
    return Escalate(_team(escalate, "to", known), escalate.seconds("after"))


def _notify(entry: Mapped, known: Known) -> Notify:
    """notify: {who, template}."""
    entry.only("who", "template")
    return Notify(_who(entry, "who", entry.text("who"), known), _template(entry, known, required=False))


def _status_update(entry: Mapped, known: Known) -> StatusUpdate:
    """status_update: {who, every}."""
    entry.only("who", "every")
    return StatusUpdate(_who(entry, "who", entry.text("who"), known), entry.seconds("every"))


def _credit(then: Mapped) -> Credit | None:
    """credit: {max, currency}."""
    if not then.has("credit"):
        return None
    credit = then.mapping("credit")
    credit.only("max", "currency")
    currency = credit.text("currency")
    if not (len(currency) == 3 and currency.isascii() and currency.isupper()):
        raise credit.error("currency", f"'{currency[:20]}' is no currency", "three capital letters, e.g. EUR")
    return Credit(credit.decimal("max", Decimal(0), _LARGEST), currency)


def _discount(then: Mapped) -> Decimal | None:
    """discount: {max_pct}."""
    if not then.has("discount"):
        return None
    discount = then.mapping("discount")
    discount.only("max_pct")
    return discount.decimal("max_pct", Decimal(0), Decimal(100))


def _words(then: Mapped, key: str) -> tuple[str, ...]:
    """One id, or a list of them."""
    found = then.texts(key) if isinstance(then.data.get(key), list) else ()
    if not found and then.has(key):
        found = (then.text(key),)
    for word in found:
        if not IDENTIFIER.match(word):
            raise PolicyError(say(key, word), "letters, digits, - _ . : @, at most 100", place=then.place(key))
    return found


def _united(first: tuple[_T, ...], second: tuple[_T, ...]) -> tuple[_T, ...]:
    """Both lists in order, each member once."""
    return tuple(dict.fromkeys((*first, *second))) if second else first


def _highest(first: Priority | None, second: Priority | None) -> Priority | None:
    """The more urgent of two priorities."""
    named = [priority for priority in (first, second) if priority is not None]
    return min(named, key=list(Priority).index) if named else None


def _single(values: Sequence[object]) -> object:
    """A list of one as its member, as people write it."""
    return values[0] if len(values) == 1 else (list(values) or None)


def _set_only(values: Mapping[str, object]) -> dict[str, object]:
    """A mapping without what is not set."""
    return {name: value for name, value in values.items() if value is not None}
