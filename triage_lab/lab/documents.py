"""YAML read once and strictly: YAML 1.2 core plus ISO dates, with the place of every value.

Refused: duplicate keys, anchors and aliases, tags, several documents, numbers with a leading zero or an
underscore, infinities, keys that are not strings, and files that are too large or too deep. Whole numbers become
``int``, other numbers ``decimal.Decimal`` (so that a threshold is what was written), ISO dates ``datetime.date``.
"""

from __future__ import annotations

import re
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
    from ruamel.yaml.nodes import MappingNode

    if len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        raise ConfigError(f"larger than {MAX_BYTES:,} bytes", "a configuration file", place=Place(file))
    if "\x00" in text:
        line = text[: text.index("\x00")].count("\n") + 1
        raise ConfigError("a NUL character", "a text file", place=Place(file, line))
    try:
        _check_events(YAML(typ="rt").parse(text), file)
        node = YAML(typ="rt").compose(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        found = " ".join(str(error.problem or error.context or "not YAML").split())
        where = Place(file, mark.line + 1, mark.column + 1) if mark else Place(file)
        raise ConfigError(found, "YAML: two spaces an indent, key: value", "correct this line", place=where) from error
    except YAMLError as error:
        raise ConfigError(" ".join(str(error).split()), "YAML text", place=Place(file)) from error
    if node is None:
        raise ConfigError("the file is empty", "a mapping of keys to values", place=Place(file))
    if not isinstance(node, MappingNode):
        raise ConfigError("the top level is not a mapping", "key: value lines", place=Place(file, 1, 1))
    positions: dict[tuple[str | int, ...], tuple[int, int]] = {}
    data = _plain(node, (), positions, file)
    return Document(data, SourceMap(file, positions))  # type: ignore[arg-type]


def _check_events(events: Any, file: str) -> None:
    """Refuse anchors, aliases, tags, more than one document and deep nesting before anything is built."""
    depth = documents = 0
    for event in events:
        kind = type(event).__name__
        place = Place(file, event.start_mark.line + 1, event.start_mark.column + 1) if event.start_mark else Place(file)
        if kind == "AliasEvent" or getattr(event, "anchor", None) is not None:
            raise ConfigError("an anchor or alias (& or *)", "the value written out", "repeat the value", place=place)
        if getattr(event, "ctag", None) is not None and str(event.ctag) not in {"None", ""} and not _implicit(event):
            raise ConfigError(f"a tag ({event.ctag})", "a plain value", "remove the tag", place=place)
        if kind == "DocumentStartEvent":
            documents += 1
            if documents > 1:
                raise ConfigError("a second document (---)", "one document a file", "split the file", place=place)
        if kind in {"MappingStartEvent", "SequenceStartEvent"}:
            depth += 1
            if depth > MAX_DEPTH:
                raise ConfigError(f"nested deeper than {MAX_DEPTH} levels", "a flat file", place=place)
        elif kind in {"MappingEndEvent", "SequenceEndEvent"}:
            depth -= 1


def _implicit(event: Any) -> bool:
    """Whether the event's tag was supplied by the parser rather than written in the file."""
    implicit = getattr(event, "implicit", True)
    return bool(any(implicit) if isinstance(implicit, tuple) else implicit)


def _plain(
    node: Any, path: tuple[str | int, ...], positions: dict[tuple[str | int, ...], tuple[int, int]], file: str
) -> object:
    """Turn a node into plain values and note where everything stood."""
    from ruamel.yaml.nodes import MappingNode, SequenceNode

    here = (node.start_mark.line + 1, node.start_mark.column + 1)
    positions.setdefault(path, here)
    if isinstance(node, MappingNode):
        return _mapping(node, path, positions, file)
    if isinstance(node, SequenceNode):
        return [_plain(item, (*path, index), positions, file) for index, item in enumerate(node.value)]
    return _scalar(node, Place(file, *here))


def _mapping(
    node: Any, path: tuple[str | int, ...], positions: dict[tuple[str | int, ...], tuple[int, int]], file: str
) -> dict[str, object]:
    """A mapping with string keys, none of them twice."""
    out: dict[str, object] = {}
    for key_node, value_node in node.value:
        place = Place(file, key_node.start_mark.line + 1, key_node.start_mark.column + 1)
        key = _scalar(key_node, place) if not isinstance(key_node.value, list) else None
        if not isinstance(key, str):
            raise ConfigError(
                f"the key {key_node.value!r} is not text"
                if not isinstance(key_node.value, list)
                else "a key that is a list or mapping",
                "text keys",
                "put the key in quotes",
                place=place,
            )
        if key in out:
            first = positions[(*path, key)]
            raise ConfigError(
                f"the key '{key}' stands twice (first in line {first[0]})",
                "each key once",
                "remove or rename one of them",
                place=place,
            )
        positions[(*path, key)] = (place.line or 1, place.column or 1)
        out[key] = _plain(value_node, (*path, key), positions, file)
    return out


def _scalar(node: Any, place: Place) -> object:
    """A scalar by YAML 1.2's core schema, dates added; quoted scalars are always text."""
    text = str(node.value)
    if node.style is not None:
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
