"""A new lab: settings, a first policy, the default gates, launch limits."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from triage_lab.domain.errors import ConfigError, Place, UsageError
from triage_lab.lab.assets import asset
from triage_lab.lab.atomic import write_text
from triage_lab.lab.config import FILE, read_config
from triage_lab.lab.lab_templates import read_template, template_files

_SETTINGS = """\
# Settings of this lab; `triage-lab config` shows each value and where it comes from. Paths are relative to this file.
[lab]
name = {name}
database = "data/lab.duckdb"
timezone = {timezone}      # reports and whole days; files without zones need `ingest --timezone`
currency = {currency}
seed = 20261123
operations = "operations.yaml"   # teams, calendars, SLA targets; without it a backtest is routing only
policies = "policies"
gates = "gates"
reports = "reports"
launch = "launch.yaml"
claims = "claims.yaml"
baseline = "history"             # what was really decided, or the name of a policy

[mrr_tiers]                      # major units a month, lower bound inclusive
high = 5000
mid = 500
low = 0
"""
_POLICY = """\
# A first policy: rules are tried in order, the first that is true wins. `triage-lab policy columns` lists what `when`
# may read; `triage-lab policy test starter` runs the tests below.
policy: starter
version: "1"
stage: draft
rules:
  - id: billing
    when: category = 'billing'
    then: {route: billing}
default: {then: {route: support}}
tests:
  - {name: billing goes to billing, ticket: {category: billing}, expect: {rule: billing, route: billing}}
  - {name: the rest goes to support, ticket: {category: access}, expect: {rule: default, route: support}}
"""
TEMPLATE_ZONE = "Europe/Berlin"
_IGNORE = "data/\nreports/\n"


@dataclass(frozen=True, slots=True)
class NewLab:
    """Where the lab is and what was written, relative to it."""

    root: Path
    files: tuple[str, ...]


def init(
    directory: str | Path,
    *,
    name: str | None = None,
    timezone: str | None = None,
    currency: str = "EUR",
    template: str | None = None,
) -> NewLab:
    """Make a new lab in a folder; nothing that lies there is overwritten.

    Parameters
    ----------
    name : str or None
        Name of the lab; default the folder's.
    timezone : str or None
        IANA zone of reports and whole days; default UTC, or the zone of the template's desk.
    currency : str
        Currency of reports, ISO 4217.
    template : {"billing", "contracts", "handoffs"} or None
        A ready lab: policies with tests, a desk, reply templates and a README with the commands that run it on
        generated exports. Without one the lab has a first policy to start from, and no desk.

    Raises
    ------
    UsageError
        The folder holds a lab already, or there is no such template.
    ConfigError
        The folder cannot be written, or a setting is wrong.
    """
    root = Path(directory)
    if (root / FILE).exists():
        raise UsageError(f"{root} holds a lab already", "a folder without triage_lab.toml", "choose another folder")
    if root.exists() and not root.is_dir():
        raise ConfigError("not a folder", "a folder, or a new name", place=Place(str(root)))
    title = name or root.resolve().name or "lab"
    ready = None if template is None else read_template(template)
    zone = timezone or (TEMPLATE_ZONE if ready else "UTC")
    settings = _SETTINGS.format(name=_toml(title), timezone=_toml(zone), currency=_toml(currency))
    texts = {
        **({"policies/starter.yaml": _POLICY} if ready is None else template_files(ready)),
        "notebooks/01_discovery.ipynb": asset("notebooks", "01_discovery.ipynb").read_text("utf-8"),
        ".github/workflows/triage-lab.yaml": asset("starters", "workflow.yaml").read_text("utf-8"),
        "launch.yaml": asset("launch.yaml").read_text("utf-8"),
        ".gitignore": _IGNORE,
        **{f"gates/{path.name}": path.read_text("utf-8") for path in default_gates()},
    }
    written = [file for file in texts if not (root / file).exists()]
    existed = root.exists()
    try:
        for file in written:
            write_text(root / file, texts[file])
        write_text(root / FILE, settings)
        read_config(root)
    except BaseException:
        (root / FILE).unlink(missing_ok=True)
        for file in written:
            (root / file).unlink(missing_ok=True)
        if not existed:
            shutil.rmtree(root, ignore_errors=True)
        raise
    return NewLab(root, (FILE, *written))


def default_gates() -> tuple[Path, ...]:
    """Return the gate files that fit any log; desk.yaml lists the demo desk's own categories."""
    return tuple(path for path in sorted(asset("gates").glob("*.yaml")) if path.name != "desk.yaml")


def _toml(text: str) -> str:
    """A TOML basic string."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in escaped) + '"'
