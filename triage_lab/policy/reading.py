"""Typed access to the mappings of a policy file; every wrong value is an error with file, line and column."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from triage_lab.domain.desk import LONGEST_NAME, is_name
from triage_lab.domain.documents import Document
from triage_lab.domain.errors import Place, PolicyError
from triage_lab.domain.predicate import Value
from triage_lab.policy.kinds import number, plain_text, suggest

IDENTIFIER = re.compile(r"^[A-Za-z0-9][A-Za-z0-9_.:@-]{0,99}$")
_DURATION = re.compile(r"^([1-9][0-9]{0,8})\s*([smhd])$", re.ASCII)
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def duration_text(seconds: int) -> str:
    """Return a duration in its largest whole unit.

    Examples
    --------
    >>> duration_text(259200), duration_text(90)
    ('3d', '90s')
    """
    for unit in ("d", "h", "m"):
        if seconds % _SECONDS[unit] == 0:
            return f"{seconds // _SECONDS[unit]}{unit}"
    return f"{seconds}s"


@dataclass(frozen=True, slots=True)
class Mapped:
    """One mapping of a document and the path that leads to it."""

    document: Document
    data: Mapping[str, object]
    path: tuple[str | int, ...] = ()

    def place(self, *keys: str | int) -> Place:
        """Return where the mapping, or a key in it, stands."""
        return self.document.source.place(*self.path, *keys)

    def error(self, key: str | None, found: str, expected: str, action: str = "") -> PolicyError:
        """Build the error for a key (None = the mapping itself)."""
        return PolicyError(found, expected, action, place=self.place() if key is None else self.place(key))

    def only(self, *allowed: str) -> None:
        """Refuse other keys, naming the nearest allowed one."""
        for key in self.data:
            if key not in allowed:
                raise self.error(key, f"unknown key '{key}'", suggest(key, allowed), "correct or remove the key")

    def has(self, key: str) -> bool:
        """Whether the key has a value."""
        return self.data.get(key) is not None

    def text(self, key: str) -> str:
        """A text that must be there."""
        value = self.data.get(key)
        if not isinstance(value, str) or not value.strip():
            raise self.error(key, say(key, value), "a text", 'put it in quotes if it is text, e.g. "1"')
        return plain_text(value, self.place(key))

    def optional_text(self, key: str) -> str | None:
        """A text or None."""
        return self.text(key) if self.has(key) else None

    def identifier(self, key: str) -> str:
        """A text fit for an id."""
        value = self.text(key)
        if not IDENTIFIER.match(value):
            raise self.error(key, f"'{value[:60]}' is no id", "letters, digits, - _ . : @, at most 100")
        return value

    def team_name(self, key: str) -> str:
        """A text fit to name a team, as other systems name them."""
        value = self.text(key)
        if not is_name(value):
            expected = f"printable text without outer blanks, at most {LONGEST_NAME} characters"
            raise self.error(key, f"{value[:60]!r} is no team name", expected)
        return value

    def choice(self, key: str, allowed: Collection[str], default: str | None = None) -> str:
        """One of a closed list of words."""
        if not self.has(key) and default is not None:
            return default
        value = self.text(key)
        if value not in allowed:
            raise self.error(key, f"{key} is '{value[:60]}'", suggest(value, allowed, "one of"))
        return value

    def flag(self, key: str) -> bool:
        """A truth value, false if missing."""
        value = self.data.get(key, False)
        if not isinstance(value, bool):
            raise self.error(key, say(key, value), "true or false")
        return value

    def integer(self, key: str, low: int, high: int) -> int:
        """A whole number inside bounds."""
        value = self.data.get(key)
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise self.error(key, say(key, value), f"a whole number from {low} to {high}")
        return value

    def decimal(self, key: str, low: Decimal, high: Decimal) -> Decimal:
        """A number inside bounds, plain or in quotes."""
        value = self.data.get(key)
        if isinstance(value, str) and re.match(r"^[0-9]{1,15}(\.[0-9]{1,6})?$", value, re.ASCII):
            value = Decimal(value)
        if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
            raise self.error(key, say(key, value), "a number")
        exact = Decimal(number(value, self.place(key)))
        if not low <= exact <= high:
            raise self.error(key, say(key, value), f"a number from {low} to {high}")
        return exact

    def day(self, key: str) -> date | None:
        """A date or None."""
        value = self.data.get(key)
        if value is None or isinstance(value, date):
            return value
        raise self.error(key, say(key, value), "a date YYYY-MM-DD, without quotes")

    def seconds(self, key: str) -> int:
        """A duration such as 3d, in seconds."""
        value = self.data.get(key)
        match = _DURATION.match(value) if isinstance(value, str) else None
        if match is None:
            raise self.error(key, say(key, value), "a duration: whole number and s, m, h or d, e.g. 30m")
        return int(match[1]) * _SECONDS[match[2]]

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of different texts, empty if the key is missing."""
        value = self.data.get(key)
        if value is None:
            return ()
        if not isinstance(value, list):
            raise self.error(key, say(key, value), "a list of texts, e.g. [a, b]")
        found: list[str] = []
        for index, item in enumerate(value):
            if not isinstance(item, str) or item in found:
                what = say(f"{key}[{index}]", item) if not isinstance(item, str) else f"'{item[:60]}' stands twice"
                raise PolicyError(
                    what, "different texts, in quotes if they look like numbers", place=self.place(key, index)
                )
            found.append(plain_text(item, self.place(key, index)))
        return tuple(found)

    def mapping(self, key: str) -> Mapped:
        """A nested mapping; empty if missing."""
        value = self.data.get(key)
        if value is None:
            return Mapped(self.document, {}, (*self.path, key))
        if not isinstance(value, dict):
            raise self.error(key, say(key, value), "a mapping of key: value")
        return Mapped(self.document, value, (*self.path, key))

    def entries(self, key: str) -> Iterator[tuple[str, Mapped]]:
        """The named mappings below a key, in file order."""
        group = self.mapping(key)
        for name in group.data:
            if not name.isidentifier() or not name.isascii():
                raise group.error(name, f"'{name[:60]}' is no name", "letters, digits and _, not a digit first")
            yield name, group.mapping(name)

    def listed(self, key: str) -> Iterator[Mapped]:
        """The mappings of a list, in file order."""
        value = self.data.get(key)
        if value is None:
            return
        if not isinstance(value, list):
            raise self.error(key, say(key, value), "a list of mappings (- id: …)")
        for index, item in enumerate(value):
            if not isinstance(item, dict):
                place = self.place(key, index)
                raise PolicyError(say(f"{key}[{index}]", item), "a mapping of key: value", place=place)
            yield Mapped(self.document, item, (*self.path, key, index))

    def one_or_many(self, key: str) -> Iterator[Mapped]:
        """A mapping, or a list of them."""
        if isinstance(self.data.get(key), list):
            yield from self.listed(key)
        elif self.has(key):
            yield self.mapping(key)

    def constant(self, key: str) -> Value:
        """A constant of the language: number, text, truth value or date."""
        value = self.data.get(key)
        if isinstance(value, bool | date):
            return value
        if isinstance(value, str):
            return plain_text(value, self.place(key))
        if isinstance(value, int | float | Decimal):
            return number(value, self.place(key))
        raise self.error(key, say(key, value), "a number, text, true, false or a date")


def root(document: Document) -> Mapped:
    """Return the fields of a whole document."""
    return Mapped(document, document.data)


def say(key: str, value: object) -> str:
    """Say what stood at a key."""
    if value is None:
        return f"{key} is missing"
    if isinstance(value, dict | list):
        return f"{key} is a {'mapping' if isinstance(value, dict) else 'list'}"
    return f"{key} is {str(value)[:60]!r}"
