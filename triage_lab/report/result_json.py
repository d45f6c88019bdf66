"""result.json: the one document of a run that every page is a pure function of."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cache
from typing import TYPE_CHECKING, Any

from triage_lab.domain.errors import ConfigError, InternalError
from triage_lab.domain.result import SCHEMA_VERSION, Result

if TYPE_CHECKING:
    from pydantic import TypeAdapter

TITLE = "triage_lab result"
_AGAIN = "write it again with the same version: triage-lab backtest …"


@cache
def _adapter() -> TypeAdapter[Result]:
    """The validator of the dataclasses; pydantic is imported here because it is heavy."""
    from pydantic import TypeAdapter

    return TypeAdapter(Result)


def to_json(result: Result) -> str:
    """Return the text of result.json.

    Parameters
    ----------
    result : Result

    Returns
    -------
    str
        UTF-8 text with one key a line, a newline at the end: fields in their declared order, free mappings sorted by
        key, numbers in their shortest form that reads back as the same number.

    Raises
    ------
    InternalError
        The result holds something that is no value of its type, such as NaN.

    Notes
    -----
    What is written has been read back first, so a document that this function returns is one that `from_json` takes.
    """
    text = _dump(result)
    try:
        return _dump(_adapter().validate_json(text))
    except ValueError as error:
        raise InternalError(
            f"the result does not fit its own schema: {_first(error)}",
            "values of the declared types",
            "report this as a defect",
        ) from error


def _dump(result: Result) -> str:
    """Plain JSON of the dataclasses."""
    return json.dumps(_plain(result, "result"), ensure_ascii=False, indent=1, allow_nan=False) + "\n"


def _plain(value: object, path: str) -> object:
    """Dataclasses, mappings and tuples as JSON values; ``path`` names the place in an error."""
    if isinstance(value, Enum):
        return value.value
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise InternalError(
                f"{path} is {value}", "a finite number, or nothing where there is none", "report this as a defect"
            )
        return value + 0.0
    if is_dataclass(value) and not isinstance(value, type):
        return {item.name: _plain(getattr(value, item.name), f"{path}.{item.name}") for item in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _plain(value[key], f"{path}.{key}") for key in sorted(value, key=str)}
    if isinstance(value, list | tuple):
        return [_plain(item, f"{path}[{index}]") for index, item in enumerate(value)]
    raise InternalError(f"{path} is a {type(value).__name__}", "a plain value", "report this as a defect")


def from_json(text: str) -> Result:
    """Read the text of a result.json.

    Parameters
    ----------
    text : str

    Returns
    -------
    Result

    Raises
    ------
    ConfigError
        It is no JSON, was written by another schema version, or does not fit the schema.
    """
    try:
        document = json.loads(text, parse_constant=_refuse)
    except ValueError as error:
        raise ConfigError(f"this is no JSON: {error}", "the result.json of a run", _AGAIN) from error
    version = document.get("schema_version") if isinstance(document, dict) else None
    if version != SCHEMA_VERSION:
        found = f"schema_version {version!r}" if version is not None else "no schema_version"
        raise ConfigError(
            found, f"schema_version {SCHEMA_VERSION!r}, which this version of triage_lab reads and writes", _AGAIN
        )
    try:
        return _adapter().validate_python(document, strict=False)
    except ValueError as error:
        raise ConfigError(
            f"this result does not fit its schema: {_first(error)}", "the result.json of a run", _AGAIN
        ) from error


def _refuse(word: str) -> float:
    """NaN and Infinity are no JSON, although Python's reader takes them."""
    raise ValueError(f"{word} is no JSON number")


def _first(error: ValueError) -> str:
    """The first thing that a validation error names, with its place."""
    listed = getattr(error, "errors", None)
    if listed is None:
        return str(error)
    first = listed()[0]
    return f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}"


def schema() -> dict[str, Any]:
    """Return the JSON Schema of result.json.

    Returns
    -------
    dict
        JSON Schema (2020-12) with title and schema version; it names no address of its own.
    """
    found = _adapter().json_schema()
    found["properties"]["schema_version"] = {"const": SCHEMA_VERSION, "title": "Schema Version", "type": "string"}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": TITLE,
        **{key: found[key] for key in sorted(found) if key != "title"},
    }


def schema_text() -> str:
    """The schema as it is committed under docs/reference."""
    return json.dumps(schema(), ensure_ascii=False, indent=2) + "\n"
