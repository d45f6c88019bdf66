"""One customer in several systems: which of their ids are the same account, how sure that is, and what stays open."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl

from triage_lab.domain.errors import UsageError
from triage_lab.sources.company_names import plain_company, plain_domains

HUB_ORDER = ("salesforce", "hubspot", "stripe", "contracts", "zendesk", "servicenow")
"""Which system's id names an account that several know: the earliest here, then by name, ``canonical`` last."""

EXACT, GIVEN, DOMAIN, NAME, OWN = "exact", "given", "domain", "name", "own"
SAME_NAME, NEAR_NAME, MARGIN = 0.95, 0.90, 4.0
"""Confidence of an equal name; least similarity (0..1) of a nearly equal one; lead over the second best, points."""
_SHORT_ID = re.compile(r"001[0-9A-Za-z]{12}")
_SUFFIX = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
_SHOWN = 3
_START = 4  # letters: words that start alike are compared, too, so that a typing error does not hide a name
_MOST = 3000  # accounts to compare a name with


@dataclass(frozen=True, slots=True)
class Link:
    """An id of one system that is an account of another: by which method, and with what confidence (0..1).

    Method ``own``: an account of its own whose id another system uses for somebody else.
    """

    source: str
    source_id: str
    account_id: str
    method: str
    confidence: float


@dataclass(frozen=True, slots=True)
class Doubt:
    """An id that may be one of several accounts, or is only perhaps the one: nothing was linked.

    ``candidates`` = (account id, name, confidence), best first; ``reason`` in words.
    """

    source: str
    source_id: str
    name: str
    tickets: int
    reason: str
    candidates: tuple[tuple[str, str, float], ...]


@dataclass(frozen=True, slots=True)
class Linking:
    """What became of every identity: linked, in doubt, or alone (only one system knows it)."""

    links: tuple[Link, ...]
    doubts: tuple[Doubt, ...]
    alone: Mapping[str, int]
    identities: Mapping[str, int]


@dataclass(slots=True)
class _Account:
    """An account as it grows: its id, a name to show, and all plain names and domains under which systems know it."""

    account_id: str
    name: str
    names: set[str] = field(default_factory=set)
    domains: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class _Identity:
    """One system's view of a customer, in comparable form."""

    source: str
    source_id: str
    name: str
    plain: str
    domains: tuple[str, ...]
    external: tuple[str, ...]
    tickets: int


def link_accounts(
    identities: pl.DataFrame,
    given: Sequence[tuple[str, str, str]] = (),
    *,
    min_confidence: float = 0.85,
    hub: str | None = None,
) -> Linking:
    """Find which ids of several systems are the same account.

    Parameters
    ----------
    identities : polars.DataFrame
        source, source_id, name, domain, external_id (String; several domains or ids as ``a|b``), tickets (integer):
        one row per system and id.
    given : sequence of (source, source_id, account_id)
        Links that people made; they hold, whatever the names say.
    min_confidence : float
        0..1; below it nothing is linked, the pair is listed as a doubt.
    hub : str or None
        System whose ids name the accounts; default the first of ``HUB_ORDER`` that is there.

    Returns
    -------
    Linking
        Every identity is linked, in doubt or alone; nothing is guessed silently.

    Raises
    ------
    UsageError
        ``hub`` is no system of the identities, or ``min_confidence`` is not within 0..1.

    Notes
    -----
    Systems join one after the other. An identity is compared with the accounts known so far: (1) an id of the other
    system that either side names (``exact``, 1.0); (2) a mail domain of their own (``domain``): 0.97 if the names are
    alike, too, 0.88 if they are not but only one account has the domain and it has no other name; a shared domain with
    a strange name is a doubt (a subsidiary, perhaps); (3) the name without legal form (``name``): 0.95 if equal and of
    one account, else the similarity of the sorted words (normalised InDel distance, rapidfuzz) times 0.95 if it is
    at least 0.90, leads by 4 points and is mutual; different domains on both sides take 0.15 off.
    """
    if not 0 <= min_confidence <= 1:
        raise UsageError(f"a confidence of {min_confidence}", "a number from 0 to 1", "correct --min-confidence")
    systems = _systems(identities["source"].unique().to_list(), hub)
    fixed = {(source, source_id): account for source, source_id, account in given}
    known = _Known()
    links: list[Link] = []
    doubts: list[Doubt] = []
    alone: Counter[str] = Counter()
    for system in systems:
        group = _read(identities.filter(pl.col("source") == system).sort("source_id"))
        found = _match(known, group, fixed, min_confidence)
        new = []
        for identity in group:
            outcome = found.get(identity.source_id)
            if isinstance(outcome, Link):
                links.append(outcome)
                known.join(identity, outcome.account_id)
                continue
            if isinstance(outcome, Doubt):
                doubts.append(outcome)
            else:
                alone[system] += 1
            new.append(identity)
        for identity in new:
            name = known.add(identity)
            if name != identity.source_id:
                links.append(_link(identity, name, OWN, 1.0))
    counts = {system: identities.filter(pl.col("source") == system).height for system in systems}
    # the first system's ids are the accounts themselves
    return Linking(tuple(links), tuple(doubts), dict(alone), counts)


def _systems(sources: Sequence[str], hub: str | None) -> list[str]:
    """Systems in the order in which they join."""
    if hub is not None and hub not in sources:
        raise UsageError(f"no accounts of '{hub[:40]}'", f"one of {', '.join(sorted(sources))}", "correct --hub")
    rank = {name: place for place, name in enumerate(HUB_ORDER)}
    late = {"canonical": len(rank) + 1}
    return sorted(sources, key=lambda name: (name != hub, rank.get(name, late.get(name, len(rank))), name))


def whole_id(text: str) -> str:
    """Return the 18-character form of a Salesforce account id, or the text itself.

    Pages and reports show 15 characters in which case tells; exports have three more that say the case of each
    (Salesforce Help, "What is the difference between the 15 and 18 character IDs"). They are the same record.

    Examples
    --------
    >>> whole_id("0015g000000nDum"), whole_id("cus_9")
    ('0015g000000nDumAAE', 'cus_9')
    """
    if not _SHORT_ID.fullmatch(text):
        return text
    bits = (sum(char.isupper() << place for place, char in enumerate(text[start : start + 5])) for start in (0, 5, 10))
    return text + "".join(_SUFFIX[number] for number in bits)


def _read(rows: pl.DataFrame) -> list[_Identity]:
    """Identities of one system in comparable form."""
    return [
        _Identity(
            row["source"],
            row["source_id"],
            row["name"] or "",
            plain_company(row["name"]),
            plain_domains(row["domain"]),
            tuple(whole_id(part.strip()) for part in (row["external_id"] or "").split("|") if part.strip()),
            int(row["tickets"] or 0),
        )
        for row in rows.iter_rows(named=True)
    ]


class _Known:
    """Accounts so far, found by their own ids, ids that systems name, domains, names and the words of names."""

    def __init__(self) -> None:
        self.accounts: dict[str, _Account] = {}
        self.own: dict[str, set[str]] = defaultdict(set)
        self.named: dict[str, set[str]] = defaultdict(set)
        self.by_domain: dict[str, set[str]] = defaultdict(set)
        self.by_name: dict[str, set[str]] = defaultdict(set)
        self.by_word: dict[str, set[str]] = defaultdict(set)
        self.plain: dict[str, str] = {}

    def add(self, identity: _Identity) -> str:
        """Take an identity as an account of its own, and return the account's id."""
        name = identity.source_id
        if name in self.accounts:  # two systems use one id for different customers
            name = f"{identity.source}:{identity.source_id}"
        self.join(identity, name)
        return name

    def join(self, identity: _Identity, account_id: str) -> None:
        """Let an account be known by what this identity says, too."""
        account = self.accounts.setdefault(account_id, _Account(account_id, identity.name))
        self.own[whole_id(identity.source_id)].add(account_id)
        for name in identity.external:
            self.named[name].add(account_id)
        for domain in identity.domains:
            account.domains.add(domain)
            self.by_domain[domain].add(account_id)
        if identity.plain:
            account.names.add(identity.plain)
            self.plain.setdefault(account_id, identity.plain)
            self.by_name[identity.plain].add(account_id)
            for word in identity.plain.split():
                self.by_word[word].add(account_id)
                self.by_word[word[:_START] + "*"].add(account_id)

    def neighbours(self, plain: str) -> set[str]:
        """Accounts that share a word, or the start of one, with a name: the rare words first, up to a limit."""
        keys = [key for word in plain.split() for key in (word, word[:_START] + "*")]
        out: set[str] = set()
        for key in sorted(set(keys), key=lambda key: (len(self.by_word.get(key, ())), key)):
            found = self.by_word.get(key, set())
            if out and len(out) + len(found) > _MOST:
                break
            out |= found
        return out


def _match(
    known: _Known, group: Sequence[_Identity], fixed: Mapping[tuple[str, str], str], least: float
) -> dict[str, Link | Doubt]:
    """Compare one system's identities with the accounts known so far."""
    out: dict[str, Link | Doubt] = {}
    rest: list[_Identity] = []
    for identity in group:
        told = fixed.get((identity.source, identity.source_id))
        outcome = _link(identity, told, GIVEN, 1.0) if told is not None else _by_id(known, identity)
        outcome = outcome or _by_domain(known, identity)
        if outcome is None:
            rest.append(identity)
        else:
            out[identity.source_id] = outcome
    taken = {outcome.account_id for outcome in out.values() if isinstance(outcome, Link)}
    out |= _by_name(known, rest, taken)
    by_id = {identity.source_id: identity for identity in group}
    return {name: _judged(known, by_id[name], outcome, least) for name, outcome in out.items()}


def _link(identity: _Identity, account_id: str, method: str, confidence: float) -> Link:
    """A link, its confidence to two places."""
    return Link(identity.source, identity.source_id, account_id, method, round(confidence, 2))


def _doubt(known: _Known, identity: _Identity, reason: str, found: Iterable[tuple[str, float]]) -> Doubt:
    """A doubt with its best candidates."""
    ranked = sorted(found, key=lambda pair: (-pair[1], pair[0]))[:_SHOWN]
    candidates = tuple((name, known.accounts[name].name, round(score, 2)) for name, score in ranked)
    return Doubt(identity.source, identity.source_id, identity.name, identity.tickets, reason, candidates)


def _judged(known: _Known, identity: _Identity, outcome: Link | Doubt, least: float) -> Link | Doubt:
    """A link that is not sure enough becomes a doubt; what people said is always sure."""
    if isinstance(outcome, Doubt) or outcome.method == GIVEN or outcome.confidence >= least:
        return outcome
    reason = f"{outcome.method} fits, with a confidence of {outcome.confidence:.2f}; {least:.2f} is asked for"
    return _doubt(known, identity, reason, [(outcome.account_id, outcome.confidence)])


def _by_id(known: _Known, identity: _Identity) -> Link | Doubt | None:
    """An id that one of the two sides names."""
    own = whole_id(identity.source_id)
    found = set(known.named.get(own, ()))
    if _telling(own):
        found |= known.own.get(own, set())
    for name in identity.external:
        found |= known.own.get(name, set()) | known.named.get(name, set())
    if len(found) == 1:
        return _link(identity, found.pop(), EXACT, 1.0)
    if found:
        return _doubt(known, identity, "its ids name several accounts", [(name, 0.5) for name in found])
    return None


def _telling(source_id: str) -> bool:
    """Whether the same id in two systems can be no accident: not a short number."""
    return not (source_id.isdigit() and len(source_id) < 9)


def _alike(plain: str, names: Iterable[str]) -> float:
    """Similarity (0..1) of a plain name to the most similar of an account's."""
    from rapidfuzz import fuzz

    return max((fuzz.token_sort_ratio(plain, other) / 100.0 for other in names), default=0.0)


def _by_domain(known: _Known, identity: _Identity) -> Link | Doubt | None:
    """A mail domain of its own, with the names as a second opinion."""
    found = sorted({name for domain in identity.domains for name in known.by_domain.get(domain, ())})
    if not found:
        return None
    scores = [(name, _alike(identity.plain, known.accounts[name].names)) for name in found]
    scores.sort(key=lambda pair: (-pair[1], pair[0]))
    best, score = scores[0]
    nameless = not identity.plain or not known.accounts[best].names
    if len(found) == 1 and nameless:
        return _link(identity, best, DOMAIN, 0.88)
    if len(found) == 1 and score >= 0.8:
        return _link(identity, best, DOMAIN, 0.97)
    if score >= NEAR_NAME and (len(found) == 1 or (score - scores[1][1]) * 100 >= MARGIN):
        return _link(identity, best, DOMAIN, 0.95)
    if len(found) == 1:
        # the same house under another name: a subsidiary, or a new name; somebody has to say
        return _doubt(known, identity, "shares a mail domain, but is called differently", [(best, 0.6)])
    reason = f"{len(found)} accounts share its mail domain"
    return _doubt(known, identity, reason, [(name, min(score, 0.8)) for name, score in scores])


def _by_name(known: _Known, rest: Sequence[_Identity], taken: set[str]) -> dict[str, Link | Doubt]:
    """Equal names first; then nearly equal ones, each account at most once and only to its best."""
    out: dict[str, Link | Doubt] = {}
    near: dict[str, list[tuple[float, _Identity]]] = defaultdict(list)
    equal: set[str] = set()
    for identity in rest:
        same = sorted(known.by_name.get(identity.plain, ())) if identity.plain else []
        if len(same) == 1:
            confidence = SAME_NAME - _conflict(known, identity, same[0])
            out[identity.source_id] = _link(identity, same[0], NAME, confidence)
            equal.add(same[0])
        elif same:
            reason = f"{len(same)} accounts have this name"
            out[identity.source_id] = _doubt(known, identity, reason, [(name, 0.5) for name in same])
        elif identity.plain:
            _search(known, identity, near, out)
    for account, found in near.items():
        found.sort(key=lambda pair: (-pair[0], pair[1].source_id))
        for place, (confidence, identity) in enumerate(found):
            free = account not in taken and account not in equal
            if place == 0 and free:
                out[identity.source_id] = _link(identity, account, NAME, confidence)
            else:
                reason = "its name is like that of an account which another id fits better"
                out[identity.source_id] = _doubt(known, identity, reason, [(account, min(confidence, 0.8))])
    return out


def _conflict(known: _Known, identity: _Identity, account_id: str) -> float:
    """What different domains on both sides take from the confidence of a name."""
    domains = known.accounts[account_id].domains
    return 0.15 if identity.domains and domains and not domains.intersection(identity.domains) else 0.0


def _search(
    known: _Known,
    identity: _Identity,
    near: dict[str, list[tuple[float, _Identity]]],
    out: dict[str, Link | Doubt],
) -> None:
    """Look for a nearly equal name among the accounts that share a word, or the start of one, with it."""
    from rapidfuzz import fuzz, process

    choices = {name: known.plain[name] for name in sorted(known.neighbours(identity.plain))}
    found = process.extract(
        identity.plain, choices, scorer=fuzz.token_sort_ratio, limit=_SHOWN, score_cutoff=NEAR_NAME * 100 - MARGIN
    )
    ranked = sorted(((account, score) for _, score, account in found), key=lambda pair: (-pair[1], pair[0]))
    if not ranked or ranked[0][1] < NEAR_NAME * 100:
        return
    best, score = ranked[0]
    if len(ranked) > 1 and score - ranked[1][1] < MARGIN:
        candidates = [(name, points / 100 * 0.9) for name, points in ranked]
        out[identity.source_id] = _doubt(known, identity, "several accounts have nearly this name", candidates)
        return
    near[best].append((score / 100 * SAME_NAME - _conflict(known, identity, best), identity))
