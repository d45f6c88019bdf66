"""YAML read once and strictly: YAML 1.2 core plus ISO dates, with the place of every value.

Refused: duplicate keys, anchors and aliases, tags, several documents, numbers with a leading zero or an
underscore, infinities, keys that are not strings, and files that are too large or too deep. Whole numbers become
``int``, other numbers ``decimal.Decimal`` (so that a threshold is what was written), ISO dates ``datetime.date``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from triage_lab.domain.documents import Document, SourceMap
from triage_lab.domain.errors import ConfigError, Place

MAX_BYTES = 2_000_000
MAX_DEPTH = 40
_NULL = re.compile(r"^(?:|~|null|Null|NULL)$")
_BOOL = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INTEGER = re.compile(r"^[-+]?(?:0|[1-9][0-9]*)$")
_DECIMAL = re.compile(r"^[-+]?(?:\.[0-9]+|(?:0|[1-9][0-9]*)(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]{1,3})?$")
_REFUSED_NUMBER = re.compile(
    r"^[-+]?(?:0[0-9_.]+|[0-9][0-9_]*_[0-9_.]*|0[xo][0-9a-fA-F_]+|\.(?:inf|Inf|INF|nan|NaN|NAN))$"
)
# what the parser says, and what it means; the first that fits
_PROBLEMS = (
    ("expected <block end>", "the indentation does not fit the lines above, or text follows a closed quote"),
    (
        "mapping values are not allowed",
        "a colon in an odd place: the indentation is wrong, or a text with ': ' lacks quotes",
    ),
    ("sequence entries are not allowed", "a list item (- …) in an odd place: it begins on a line of its own"),
    ("character '\\t' that cannot start", "a tab where YAML wants spaces"),
    ("character '@' that cannot start", "a text that begins with @ lacks quotes"),
    ("character '`' that cannot start", "a text that begins with ` lacks quotes"),
    ("character '%' that cannot start", "a text that begins with % lacks quotes"),
    ("unexpected end of stream", "a quote that is opened and never closed"),
    ("could not find expected ':'", "a line that is no key: value"),
    ("expected ',' or ']'", "a list [ … ] without its closing bracket, or without a comma between two items"),
    ("expected ',' or '}'", "a mapping { … } without its closing brace, or without a comma between two items"),
    ("but found '<stream end>'", "the file ends in the middle of a value"),
)
_DATE = re.compile(r"^\d{4}-\d{2}-\d{2}$")


def read_document(path: Path, *, name: str | None = None) -> Document:
    """Read one YAML file.

    Parameters
    ----------
    path : Path
        The file.
    name : str or None
        How to name the file in errors; default the path as given.

    Raises
    ------
    ConfigError
        The file is missing, a folder, too large, not UTF-8 or not the YAML we accept.
    """
    shown = name or str(path)
    try:
        raw = path.read_bytes()
    except FileNotFoundError as error:
        raise ConfigError("no such file", "a YAML file", "check the path", place=Place(shown)) from error
    except OSError as error:
        raise ConfigError(f"cannot be read ({error.strerror})", "a readable YAML file", place=Place(shown)) from error
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise ConfigError(
            f"byte 0x{raw[error.start]:02x} is not UTF-8",
            "a text file in UTF-8",
            "save the file as UTF-8",
            place=Place(shown, line),
        ) from error
    return parse_document(text, shown)


def parse_document(text: str, file: str) -> Document:
    """Parse YAML text; ``file`` names it in errors. The root must be a mapping.

    Raises
    ------
    ConfigError
        With file, line and column of what is refused.
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    if len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        raise ConfigError(f"larger than {MAX_BYTES:,} bytes", "a configuration file", place=Place(file))
    if "\x00" in text:
        line = text[: text.index("\x00")].count("\n") + 1
        raise ConfigError("a NUL character", "a text file", place=Place(file, line))
    reader = _Reader(file)
    try:
        data = reader.document(iter(YAML(typ="rt").parse(text)))
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        found = _in_words(" ".join(str(error.problem or error.context or "not YAML").split()))
        where = Place(file, mark.line + 1, mark.column + 1) if mark else Place(file)
        raise ConfigError(found, "YAML: two spaces an indent, key: value", "correct this line", place=where) from error
    except YAMLError as error:
        raise ConfigError(" ".join(str(error).split()), "YAML text", place=Place(file)) from error
    if not isinstance(data, dict):
        raise ConfigError("the top level is not a mapping", "key: value lines", place=Place(file, 1, 1))
    return Document(data, SourceMap(file, reader.positions))


def _in_words(problem: str) -> str:
    """What the YAML parser found, for people who do not know its grammar."""
    for part, words in _PROBLEMS:
        if part in problem:
            return words
    return problem.replace("<stream end>", "the end of the file")


class _Reader:
    """Builds plain values from the parser's events, and refuses before it builds."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.positions: dict[tuple[str | int, ...], tuple[int, int]] = {}

    def document(self, events: Iterator[Any]) -> object:
        """The only document of a stream."""
        data: object = None
        documents = 0
        for event in events:
            kind = type(event).__name__
            if kind == "DocumentStartEvent":
                documents += 1
                if documents > 1:
                    raise ConfigError(
                        "a second document (---)", "one document a file", "split the file", place=self._at(event)
                    )
            elif kind not in {"StreamStartEvent", "DocumentEndEvent", "StreamEndEvent"}:
                data = self._value(event, events, ())
        if data is None:
            raise ConfigError("the file is empty", "a mapping of keys to values", place=Place(self.file))
        return data

    def _at(self, event: Any) -> Place:
        """Where an event stands."""
        return Place(self.file, event.start_mark.line + 1, event.start_mark.column + 1)

    def _value(self, event: Any, events: Iterator[Any], path: tuple[str | int, ...]) -> object:
        """The value that begins with an event; reads on to its end."""
        kind = type(event).__name__
        self._refuse(event, kind, path)
        place = self._at(event)
        self.positions.setdefault(path, (place.line or 1, place.column or 1))
        if kind == "ScalarEvent":
            # The round-trip scanner marks where a folded scalar was folded; the marks are no part of the text.
            text = str(event.value).replace("\x07", "") if event.style == ">" else str(event.value)
            return _scalar(text, event.style not in (None, ""), place)
        if kind == "SequenceStartEvent":
            items: list[object] = []
            for inner in events:
                if type(inner).__name__ == "SequenceEndEvent":
                    break
                items.append(self._value(inner, events, (*path, len(items))))
            return items
        return self._mapping(events, path)

    def _mapping(self, events: Iterator[Any], path: tuple[str | int, ...]) -> dict[str, object]:
        """A mapping with text keys, none of them twice."""
        out: dict[str, object] = {}
        for event in events:
            if type(event).__name__ == "MappingEndEvent":
                break
            key = self._key(event)
            if key in out:
                first = self.positions[(*path, key)]
                raise ConfigError(
                    f"the key '{key}' stands twice (first in line {first[0]})",
                    "each key once",
                    "remove or rename one of them",
                    place=self._at(event),
                )
            place = self._at(event)
            self.positions[(*path, key)] = (place.line or 1, place.column or 1)
            out[key] = self._value(next(events), events, (*path, key))
        return out

    def _key(self, event: Any) -> str:
        """The text of a key."""
        kind = type(event).__name__
        self._refuse(event, kind, ())
        if kind != "ScalarEvent":
            raise ConfigError("a key that is a list or mapping", "text keys", "use a text", place=self._at(event))
        key = _scalar(str(event.value), event.style not in (None, ""), self._at(event))
        if not isinstance(key, str):
            found = f"the key {str(event.value)[:40]!r} is not text"
            raise ConfigError(found, "text keys", "put the key in quotes", place=self._at(event))
        return key

    def _refuse(self, event: Any, kind: str, path: tuple[str | int, ...]) -> None:
        """Refuse anchors, aliases, tags and deep nesting."""
        if kind == "AliasEvent" or getattr(event, "anchor", None) is not None:
            found = "an anchor or alias (& or *)"
            raise ConfigError(found, "the value written out", "repeat the value", place=self._at(event))
        if not _implicit(event):
            raise ConfigError(f"a tag ({event.ctag})", "a plain value", "remove the tag", place=self._at(event))
        if len(path) >= MAX_DEPTH:
            raise ConfigError(f"nested deeper than {MAX_DEPTH} levels", "a flat file", place=self._at(event))


def _implicit(event: Any) -> bool:
    """Whether the event's tag was supplied by the parser rather than written in the file."""
    implicit = getattr(event, "implicit", True)
    return bool(any(implicit) if isinstance(implicit, tuple) else implicit)


def _scalar(text: str, quoted: bool, place: Place) -> object:
    """A scalar by YAML 1.2's core schema, dates added; quoted scalars are always text."""
    if quoted:
        return text
    if _NULL.match(text):
        return None
    if text in _BOOL:
        return _BOOL[text]
    if _INTEGER.match(text):
        return int(text)
    if _DECIMAL.match(text):
        return Decimal(text)
    if _REFUSED_NUMBER.match(text):
        raise ConfigError(
            f"'{text}' is ambiguous as a number",
            "digits without leading zero, underscore or base prefix",
            'write it plainly (1000), or in quotes ("0123") if it is text',
            place=place,
        )
    if _DATE.match(text):
        try:
            return date.fromisoformat(text)
        except ValueError as error:
            raise ConfigError(f"'{text}' is no date", "YYYY-MM-DD", "correct the date", place=place) from error
    return text
