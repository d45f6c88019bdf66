"""launch.yaml: the limits that a policy must meet before it goes live, and the nine items of the checklist."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from decimal import Decimal

from triage_lab.domain.documents import Document
from triage_lab.domain.enums import Severity
from triage_lab.domain.errors import NOWHERE, ConfigError, Place
from triage_lab.domain.measure import Metric
from triage_lab.domain.verdict import ITEMS

LIMITS = ("at_least", "at_most", "above", "below")
TWO_SIDED, ONE_SIDED = "two_sided", "one_sided"
CANDIDATE, DIFFERENCE = "candidate", "difference"
MIN_N = 30
_KPI_KEYS = ("id", "title", "metric", "on", *LIMITS, "bound", "min_n", "min_accounts", "severity", "primary", "owner")
_ITEM_KEYS = ("owner", "needs")


@dataclass(frozen=True, slots=True)
class Kpi:
    """A limit on a metric overall.

    ``relation`` is at_least, at_most, above or below, ``limit`` in the metric's unit. ``on`` says whether it binds the
    candidate's value or its difference to the baseline. ``bound``: two_sided = the 95 % interval, one_sided = the 95 %
    one-sided bound. With fewer than ``min_n`` or ``min_accounts`` the limit cannot be assessed. A ``primary`` limit
    must rest on calibrated evidence for a GO.
    """

    kpi_id: str
    title: str
    metric: str
    relation: str
    limit: float
    owner: str
    severity: Severity
    on: str = CANDIDATE
    bound: str = TWO_SIDED
    min_n: int = MIN_N
    min_accounts: int = 0
    primary: bool = False
    place: Place = NOWHERE


@dataclass(frozen=True, slots=True)
class LaunchItem:
    """Who answers for an item of the checklist, and what it needs."""

    item: str
    owner: str
    needs: str


@dataclass(frozen=True, slots=True)
class LaunchPlan:
    """launch.yaml, validated: limits in file order, the nine items in their fixed order."""

    kpis: tuple[Kpi, ...]
    items: tuple[LaunchItem, ...]

    def item(self, name: str) -> LaunchItem:
        """Return the item of that name."""
        return next(item for item in self.items if item.item == name)


@dataclass(frozen=True, slots=True)
class _Fields:
    """One mapping of the document with its path, for errors that say where."""

    document: Document
    path: tuple[str | int, ...]
    data: Mapping[str, object]

    def fail(self, found: str, expected: str, action: str, key: str | None = None) -> ConfigError:
        """Build the error at a key, or at the mapping itself."""
        path = self.path if key is None else (*self.path, key)
        return ConfigError(found, expected, action, place=self.document.source.place(*path))

    def only(self, keys: Collection[str]) -> None:
        """Refuse unknown keys."""
        for key in self.data:
            if key not in keys:
                close = difflib.get_close_matches(key, keys, 1)
                raise self.fail(
                    f"unknown key '{key[:60]}'",
                    f"one of {', '.join(keys)}",
                    f"did you mean '{close[0]}'?" if close else "remove it",
                    key,
                )

    def text(self, key: str, default: str | None = None, choices: Collection[str] = ()) -> str:
        """Read a text value, from a closed list if ``choices`` are given."""
        value = self.data.get(key, default)
        if value is None:
            raise self.fail(f"'{key}' is missing", "a text", f"add {key}: …")
        if not isinstance(value, str) or not value.strip():
            raise self.fail(f"'{key}' is {value!r}", "a text that is not empty", "put it in quotes", key)
        if choices and value not in choices:
            close = difflib.get_close_matches(value, list(choices), 1)
            hint = f"did you mean '{close[0]}'?" if close else "choose one of them"
            raise self.fail(f"{key}: '{value[:60]}'", f"one of {', '.join(choices)}", hint, key)
        return value

    def whole(self, key: str, default: int) -> int:
        """Read a whole number of at least 1."""
        value = self.data.get(key)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise self.fail(f"'{key}' is {value}", "a whole number of at least 1", "correct the number", key)
        return value

    def flag(self, key: str) -> bool:
        """Read true or false; default false."""
        value = self.data.get(key, False)
        if not isinstance(value, bool):
            raise self.fail(f"'{key}' is {value!r}", "true or false", "write true or false without quotes", key)
        return value


def read_launch(document: Document, catalogue: Mapping[str, Metric] | None = None) -> LaunchPlan:
    """Validate launch.yaml.

    Parameters
    ----------
    document : Document
        The parsed file.
    catalogue : mapping of name to Metric, or None
        Known metrics; with None any name is taken, and a limit on an unknown one cannot be assessed later.

    Returns
    -------
    LaunchPlan

    Raises
    ------
    ConfigError
        With file, line and column: unknown or missing keys, an unknown metric, two limits at once, an id given twice,
        an item missing.
    """
    top = _Fields(document, (), document.data)
    top.only(("kpis", "items"))
    kpis = document.data.get("kpis")
    if not isinstance(kpis, list) or not kpis:
        raise top.fail("no list 'kpis'", "a list of limits", "add kpis:", "kpis")
    read = tuple(_kpi(_mapping(document, ("kpis", at), value), catalogue) for at, value in enumerate(kpis))
    seen: dict[str, Place] = {}
    for kpi in read:
        if kpi.kpi_id in seen:
            raise ConfigError(
                f"the id '{kpi.kpi_id}' stands twice (first at {seen[kpi.kpi_id]})",
                "each id once",
                "rename one",
                place=kpi.place,
            )
        seen[kpi.kpi_id] = kpi.place
    return LaunchPlan(read, _items(document))


def _mapping(document: Document, path: tuple[str | int, ...], value: object) -> _Fields:
    """A mapping at a path."""
    if not isinstance(value, Mapping):
        place = document.source.place(*path)
        raise ConfigError("not a mapping", "keys and values", "indent the keys below it", place=place)
    return _Fields(document, path, value)


def _kpi(fields: _Fields, catalogue: Mapping[str, Metric] | None) -> Kpi:
    """One limit."""
    fields.only(_KPI_KEYS)
    given = [name for name in LIMITS if name in fields.data]
    if len(given) != 1:
        found = f"{' and '.join(given)} together" if given else "no limit"
        raise fields.fail(found, f"exactly one of {', '.join(LIMITS)}", "keep one limit", given[-1] if given else None)
    relation = given[0]
    limit = fields.data[relation]
    if isinstance(limit, bool) or not isinstance(limit, int | Decimal):
        raise fields.fail(f"{relation}: {limit!r}", "a number", "write it without quotes; 90 % is 0.90", relation)
    metric = fields.text("metric", choices=tuple(catalogue) if catalogue is not None else ())
    on = fields.text("on", CANDIDATE, (CANDIDATE, DIFFERENCE))
    share = catalogue is not None and catalogue[metric].unit == "fraction"
    if share and not (-1 if on == DIFFERENCE else 0) <= limit <= 1:
        raise fields.fail(f"{relation}: {limit}", "a share from 0 to 1", "90 % is 0.90", relation)
    return Kpi(
        kpi_id=fields.text("id"),
        title=fields.text("title"),
        metric=metric,
        relation=relation,
        limit=float(limit),
        owner=fields.text("owner"),
        severity=Severity(fields.text("severity", choices=[item.value for item in Severity])),
        on=on,
        bound=fields.text("bound", TWO_SIDED, (TWO_SIDED, ONE_SIDED)),
        min_n=fields.whole("min_n", MIN_N),
        min_accounts=fields.whole("min_accounts", 0),
        primary=fields.flag("primary"),
        place=fields.document.source.place(*fields.path),
    )


def _items(document: Document) -> tuple[LaunchItem, ...]:
    """The nine items, every one of them."""
    items = _mapping(document, ("items",), document.data.get("items"))
    items.only(ITEMS)
    out = []
    for name in ITEMS:
        if name not in items.data:
            raise items.fail(
                f"the item '{name}' is missing", f"all of {', '.join(ITEMS)}", f"add {name}: {{owner: …, needs: …}}"
            )
        fields = _mapping(document, ("items", name), items.data[name])
        fields.only(_ITEM_KEYS)
        out.append(LaunchItem(name, fields.text("owner"), fields.text("needs")))
    return tuple(out)
