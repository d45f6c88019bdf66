"""Typed access to a document: every wrong value becomes an error with file, line and column."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from triage_lab.domain.desk import LONGEST_NAME, is_name
from triage_lab.domain.documents import Document
from triage_lab.domain.errors import ConfigError, Place

_DURATION = re.compile(r"^([0-9]+)\s*([smhd])$")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
IDENTIFIER = re.compile(r"^[A-Za-z0-9][A-Za-z0-9_.:@-]{0,99}$")
_MOST_NAMES = 60


def nearest(name: str, allowed: Collection[str]) -> str:
    """Return ``did you mean X?`` or the allowed names, for the end of an error."""
    close = difflib.get_close_matches(name, list(allowed), n=1)
    if close:
        return f"did you mean '{close[0]}'?"
    if not allowed:
        return "nothing is allowed here"
    names = sorted(allowed)
    more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    return "allowed: " + ", ".join(names[:_MOST_NAMES]) + more


@dataclass(frozen=True, slots=True)
class Fields:
    """One mapping of a document and the path that leads to it."""

    document: Document
    data: Mapping[str, object]
    path: tuple[str | int, ...] = ()

    @classmethod
    def root(cls, document: Document) -> Fields:
        """Return the fields of a whole document."""
        return cls(document, document.data)

    def place(self, *key: str | int) -> Place:
        """Return where a key of this mapping stands."""
        return self.document.source.place(*self.path, *key)

    def fail(self, key: str | int | None, found: str, expected: str, action: str = "") -> ConfigError:
        """Build the error for a key (None = the mapping itself)."""
        return ConfigError(found, expected, action, place=self.place() if key is None else self.place(key))

    def only(self, *allowed: str) -> None:
        """Refuse keys that are not allowed, naming the nearest one."""
        for key in self.data:
            if key not in allowed:
                raise self.fail(key, f"unknown key '{key}'", nearest(key, allowed), "correct or remove the key")

    def has(self, key: str) -> bool:
        """Whether the key stands there with a value."""
        return self.data.get(key) is not None

    def text(self, key: str, default: str | None = None) -> str:
        """A text value."""
        value = self.data.get(key)
        if value is None and default is not None:
            return default
        if not isinstance(value, str):
            raise self.fail(key, _found(key, value), "text", 'put it in quotes if it is text, e.g. "1"')
        return value

    def optional_text(self, key: str) -> str | None:
        """A text value or None."""
        return self.text(key) if self.has(key) else None

    def identifier(self, key: str) -> str:
        """A text value fit for an id."""
        value = self.text(key)
        if not IDENTIFIER.match(value):
            raise self.fail(key, f"'{value[:60]}' is no id", "letters, digits, - _ . : @, at most 100")
        return value

    def choice(self, key: str, allowed: Collection[str], default: str | None = None) -> str:
        """One of a closed list of words."""
        value = self.text(key, default)
        if value not in allowed:
            raise self.fail(key, f"'{value}' is not allowed for {key}", nearest(value, allowed))
        return value

    def integer(self, key: str, default: int | None = None, *, low: int = 0, high: int = 10**9) -> int:
        """A whole number inside bounds."""
        value = self.data.get(key)
        if value is None and default is not None:
            return default
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise self.fail(key, _found(key, value), f"a whole number from {low} to {high}")
        return value

    def decimal(self, key: str) -> Decimal:
        """A number, written plainly or in quotes."""
        value = self.data.get(key)
        if isinstance(value, int | Decimal) and not isinstance(value, bool):
            return Decimal(value)
        if isinstance(value, str) and re.match(r"^-?[0-9]+(\.[0-9]+)?$", value):
            return Decimal(value)
        raise self.fail(key, _found(key, value), "a number")

    def boolean(self, key: str, default: bool) -> bool:
        """A truth value."""
        value = self.data.get(key, default)
        if not isinstance(value, bool):
            raise self.fail(key, _found(key, value), "true or false")
        return value

    def day(self, key: str) -> date:
        """An ISO date."""
        return as_day(self.data.get(key), self.place(key), key)

    def duration(self, key: str, default: int | None = None) -> int:
        """A duration such as 30m, in seconds."""
        value = self.data.get(key)
        if value is None and default is not None:
            return default
        match = _DURATION.match(value) if isinstance(value, str) else None
        if match is None:
            raise self.fail(key, _found(key, value), "a duration: whole number and s, m, h or d, e.g. 30m")
        return int(match[1]) * _SECONDS[match[2]]

    def durations(self, key: str) -> tuple[int, ...]:
        """A list of durations such as [2m, 1h], in seconds."""
        seconds = []
        for text in self.strings(key):
            match = _DURATION.match(text)
            if match is None:
                raise self.fail(key, _found(key, text), "durations: whole number and s, m, h or d, e.g. 30m")
            seconds.append(int(match[1]) * _SECONDS[match[2]])
        return tuple(seconds)

    def strings(self, key: str) -> tuple[str, ...]:
        """A list of texts (empty if the key is missing)."""
        value = self.data.get(key)
        if value is None:
            return ()
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self.fail(key, _found(key, value), "a list of texts, e.g. [a, b]")
        return tuple(value)

    def mapping(self, key: str, *, required: bool = False) -> Fields:
        """A nested mapping; empty if missing and not required."""
        value = self.data.get(key)
        if value is None and not required:
            value = {}
        if not isinstance(value, dict):
            raise self.fail(key, _found(key, value), "a mapping of key: value lines")
        return Fields(self.document, value, (*self.path, key))

    def entries(self, key: str, *, as_logged: bool = False) -> Iterator[tuple[str, Fields]]:
        """The named mappings below a key, in file order; names are ids, or ``as_logged`` by other systems."""
        group = self.mapping(key)
        for name in group.data:
            if as_logged:
                if not is_name(name):
                    expected = f"printable text without outer blanks, at most {LONGEST_NAME} characters"
                    raise group.fail(name, f"{name[:60]!r} is no name", expected)
            elif not IDENTIFIER.match(name):
                raise group.fail(name, f"'{name[:60]}' is no id", "letters, digits, - _ . : @, at most 100")
            yield name, group.mapping(name, required=True)

    def items(self, key: str) -> Iterator[Fields]:
        """The mappings of a list, in file order."""
        value = self.data.get(key)
        if value is None:
            return
        if not isinstance(value, list):
            raise self.fail(key, _found(key, value), "a list of mappings (- id: …)")
        for index, item in enumerate(value):
            if not isinstance(item, dict):
                place = self.document.source.place(*self.path, key, index)
                raise ConfigError(_found(f"{key}[{index}]", item), "a mapping of key: value", place=place)
            yield Fields(self.document, item, (*self.path, key, index))


def as_day(value: object, place: Place, key: str) -> date:
    """Turn an ISO date, quoted or not, into a date."""
    if isinstance(value, date):
        return value
    if isinstance(value, str):
        with suppress(ValueError):
            return date.fromisoformat(value)
    raise ConfigError(_found(key, value), "a date YYYY-MM-DD", place=place)


def _found(key: str, value: object) -> str:
    """Say what stood there."""
    if value is None:
        return f"{key} is missing"
    shown = str(value)
    return f"{key} is {shown[:60]!r}" if not isinstance(value, dict | list) else f"{key} is a {type(value).__name__}"
