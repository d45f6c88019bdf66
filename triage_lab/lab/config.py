"""A lab's settings: flags win over TRIAGE_LAB_* variables, which win over triage_lab.toml."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from decimal import Decimal, InvalidOperation
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from triage_lab.domain.errors import ConfigError, Place, UsageError
from triage_lab.lab.fields import nearest

FILE = "triage_lab.toml"
PREFIX = "TRIAGE_LAB_"
_NEXT = "create one with `triage-lab init DIR`, or point to one with --lab DIR"


@dataclass(frozen=True, slots=True)
class Config:
    """Settings of a lab; paths are absolute.

    ``mrr_tiers``: (name, lower bound in major units a month), highest first.
    ``origins``: per setting ``flag``, the variable's name, the file's name or ``default``.
    """

    root: Path
    name: str
    database: Path
    timezone: str
    currency: str
    seed: int
    operations: Path
    policies: Path
    gates: Path
    reports: Path
    launch: Path
    claims: Path
    baseline: str
    mrr_tiers: tuple[tuple[str, Decimal], ...]
    origins: Mapping[str, str]


DEFAULTS: dict[str, object] = {
    "name": "lab",
    "database": "data/lab.duckdb",
    "timezone": "UTC",
    "currency": "EUR",
    "seed": 20261123,
    "operations": "operations.yaml",
    "policies": "policies",
    "gates": "gates",
    "reports": "reports",
    "launch": "launch.yaml",
    "claims": "claims.yaml",
    "baseline": "history",
}
_PATHS = ("database", "operations", "policies", "gates", "reports", "launch", "claims")
DEFAULT_TIERS = {"high": 5000, "mid": 500, "low": 0}


def find_lab(start: Path) -> Path:
    """Return the nearest folder upward that holds triage_lab.toml.

    Raises
    ------
    ConfigError
        There is none.
    """
    for folder in (start, *start.parents):
        if (folder / FILE).is_file():
            return folder
    raise ConfigError(f"no {FILE} here or in a folder above", "a lab", _NEXT, place=Place(str(start)))


def read_config(folder: Path, flags: Mapping[str, object] | None = None) -> Config:
    """Read a lab's settings.

    Parameters
    ----------
    folder : Path
        The lab (holds triage_lab.toml).
    flags : mapping
        Values given on the command line; None values are ignored.

    Raises
    ------
    ConfigError
        With the file's line where one is known.
    """
    path = folder / FILE
    text, raw = _read_toml(path)
    unknown = [key for key in raw if key not in ("lab", "mrr_tiers")]
    if unknown:
        raise _wrong(path, text, unknown[0], f"unknown table [{unknown[0]}]", nearest(unknown[0], ("lab", "mrr_tiers")))
    table = raw.get("lab", {})
    if not isinstance(table, dict):
        raise _wrong(path, text, "lab", "[lab] is no table", "[lab] with name = …")
    for key in table:
        if key not in DEFAULTS:
            raise _wrong(path, text, key, f"unknown key '{key}'", nearest(key, DEFAULTS))
    values: dict[str, object] = {}
    origins: dict[str, str] = {}
    for key, default in DEFAULTS.items():
        variable = PREFIX + key.upper()
        if flags and flags.get(key) is not None:
            values[key], origins[key] = flags[key], "flag"
        elif variable in os.environ:
            values[key], origins[key] = os.environ[variable], variable
        elif key in table:
            values[key], origins[key] = table[key], FILE
        else:
            values[key], origins[key] = default, "default"
        values[key] = _typed(key, values[key], origins[key], path, text)
    origins["mrr_tiers"] = FILE if "mrr_tiers" in raw else "default"
    tiers = _tiers(raw.get("mrr_tiers", DEFAULT_TIERS), path, text)
    root = folder.resolve()
    located = {key: _locate(root, str(value)) if key in _PATHS else value for key, value in values.items()}
    return Config(root=root, mrr_tiers=tiers, origins=origins, **located)  # type: ignore[arg-type]


def _locate(root: Path, value: str) -> Path:
    """A path of the config, relative to the lab."""
    return (root / Path(value).expanduser()).resolve()


def _read_toml(path: Path) -> tuple[str, dict[str, object]]:
    """The file's text and values."""
    try:
        text = path.read_text("utf-8-sig")
    except FileNotFoundError as error:
        raise ConfigError(f"no {FILE}", "a lab", _NEXT, place=Place(str(path.parent))) from error
    except UnicodeDecodeError as error:
        raise ConfigError("not UTF-8", "a text file in UTF-8", place=Place(str(path))) from error
    except OSError as error:
        raise ConfigError(f"cannot be read ({error.strerror})", "a readable file", place=Place(str(path))) from error
    try:
        return text, tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        at = re.search(r"\(at line (\d+), column (\d+)\)", str(error))
        place = Place(str(path), int(at[1]), int(at[2])) if at else Place(str(path))
        found = str(error).split(" (at ")[0]
        raise ConfigError(found, "TOML: key = value", "correct this line", place=place) from error


def _wrong(path: Path, text: str, key: str, found: str, expected: str) -> ConfigError:
    """The error for a key, with the line it stands on."""
    pattern = re.compile(rf"^\s*\[?\s*\"?{re.escape(key)}\"?\s*[\]=]")
    lines = [number for number, line in enumerate(text.splitlines(), start=1) if pattern.match(line)]
    return ConfigError(found, expected, place=Place(str(path), lines[0] if lines else None))


def _typed(key: str, value: object, origin: str, path: Path, text: str) -> object:
    """Check one setting."""
    if key == "seed":
        if isinstance(value, str) and re.fullmatch(r"[0-9]{1,18}", value):
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**63:
            raise _bad(key, value, "a whole number from 0", origin, path, text)
        return value
    if not isinstance(value, str) or not value.strip():
        raise _bad(key, value, "text", origin, path, text)
    if key == "timezone":
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise _bad(key, value, "an IANA zone, e.g. Europe/Berlin", origin, path, text) from error
    if key == "currency" and not re.fullmatch(r"[A-Z]{3}", value):
        raise _bad(key, value, "three capital letters (ISO 4217), e.g. EUR", origin, path, text)
    return value


def _bad(key: str, value: object, expected: str, origin: str, path: Path, text: str) -> Exception:
    """The error for a bad value: in the file with its line, elsewhere as a usage error."""
    found = f"{key} is {str(value)[:60]!r}"
    if origin == FILE:
        return _wrong(path, text, key, found, expected)
    return UsageError(f"{found} (from {origin})", expected)


def _tiers(raw: object, path: Path, text: str) -> tuple[tuple[str, Decimal], ...]:
    """MRR tiers, highest bound first."""
    if not isinstance(raw, dict) or not raw:
        raise _wrong(path, text, "mrr_tiers", "[mrr_tiers] is empty", "high = 5000 …")
    tiers = []
    for name, bound in raw.items():
        try:
            value = Decimal(str(bound))
        except InvalidOperation as error:
            raise _wrong(path, text, name, f"{name} is {bound!r}", "a number") from error
        if isinstance(bound, bool) or not value.is_finite():
            raise _wrong(path, text, name, f"{name} is {bound!r}", "a number")
        tiers.append((name, value))
    if len({bound for _, bound in tiers}) < len(tiers):
        raise _wrong(path, text, "mrr_tiers", "two tiers share a lower bound", "bounds that differ")
    return tuple(sorted(tiers, key=lambda tier: tier[1], reverse=True))


def setting_names() -> tuple[str, ...]:
    """Names of all settings, in the order of the file."""
    return tuple(field.name for field in fields(Config) if field.name not in ("root", "origins"))
