"""Write the pages that follow from the code: tables, columns, commands, checks, actions, sources, clocks, metrics.

    python scripts/reference.py

Nothing on these pages is written by hand but what an action of a policy means; a test compares them with the code.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from types import UnionType
from typing import Any, Union, get_args, get_origin

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
NOTE = "<!-- Made by scripts/reference.py from {source}; change that, then run the script. -->"
STATISTICS = {
    "rate": "share",
    "mean": "mean",
    "median": "median",
    "p90": "90th percentile",
    "total": "total",
}
ACTIONS = {
    "route": ("team", "owner of record; every rule, override and the default must name one", "route: billing"),
    "queue": ("`joint`", "the ticket is worked together with the teams in `with`", "queue: joint"),
    "with": ("list of teams", "teams that work on it too; only with `queue`", "with: [legal-ops]"),
    "watch": ("list of teams or people", "who follows the ticket without owning it", "watch: [account-owner]"),
    "priority": (
        "urgent, high, normal, low",
        "priority in queues that look at it; the most urgent wins",
        "priority: high",
    ),
    "reply": ("mapping", "an automated reply from a declared template", "reply: {template: payment-reminder-1}"),
    "remind": (
        "mapping",
        "a sequence of reminders; `template` may be left out",
        "remind: {steps: 3, every: 5d, template: payment-reminder-1}",
    ),
    "auto_close": ("true or false", "the ticket may close by itself", "auto_close: true"),
    "pause_auto_close": (
        "true or false",
        "nothing closes it by itself; wins over `auto_close`",
        "pause_auto_close: true",
    ),
    "hold": (
        "mapping or list",
        "nothing of `kind` happens until `until`",
        "hold: {kind: dunning, until: dispute-closed}",
    ),
    "soft_hold": ("id or list", "a hold that a person may pass over", "soft_hold: discount"),
    "escalate": ("mapping", "moves on if nobody has acted by then", "escalate: {to: high-touch, after: 30m}"),
    "notify": (
        "mapping or list",
        "a message to a team or person",
        "notify: {who: account-owner, template: deal-alert}",
    ),
    "status_update": (
        "mapping or list",
        "regular word to a team or person",
        "status_update: {who: requester, every: 4h}",
    ),
    "sync": ("id or list", "records that another system gets a copy of", "sync: crm"),
    "credit": ("mapping", "a credit memo up to `max` major units", "credit: {max: 500, currency: EUR}"),
    "discount": ("mapping", "a discount up to `max_pct` per cent", "discount: {max_pct: 10}"),
}


ON_TABLES = """\
Files may use these names as they stand (`triage-lab ingest --table TABLE FILE`); only required columns must be there,
the rest is NULL. Times are stored in UTC without zone (`--timezone` says what they are in the file), money in whole
minor units (cents). Stored rows carry besides `load_id`, `row_no` (their data row in the file, from 1) and `dup_no`
(0, or 1, 2 … for differing rows of one key in one load). With `valid_from` and `valid_to` a table holds history: a
ticket sees the row that was true when it arrived."""
ON_COLUMNS = """\
What `when:` may read, each as it was known when the ticket arrived. *As of* is the column that dates the fact. A lab
adds columns under `context:` in operations.yaml; `triage-lab policy columns` prints the lab's list. NULL makes a
comparison unknown, and unknown is not false: an override that is unknown sends the ticket to a person."""
ON_METRICS = """\
Every number of a scorecard. *Open tickets* says what becomes of tickets that are not finished at the cutoff. *Best
grade* is the strongest evidence grade that a replay can give; the weakest input decides, so it may be lower
([evidence](evidence.md)). A share with an empty denominator is a dash, never 0. Overall and by segment the definition
is the same."""
ON_CHECKS = """\
A gate is one check of one table in a file under `gates/`. `triage-lab check` runs them by direct SQL, by Great
Expectations (`--engine gx`), or both and compares. *Rows* checks list every offending key in `gate_failures`; *scalar*
checks compare one number with `low` and `high`. A gate without enough rows (`min_n`) is skipped, and a skipped gate is
never a pass. The check `sql` takes `sql:` (one SELECT) and `kind:` (rows or scalar) beside the other keys.

```yaml
version: "1"
gates:
  - id: tickets-created-known
    title: Every ticket says when it arrived
    table: tickets
    check: not_null
    params: {column: created_at}
    severity: critical          # critical, warning or info
    owner: support-operations
    tolerance: 0.01             # rows checks: share of rows that may fail
    min_n: 30                   # with fewer rows it is skipped
    when: [ingest, launch]      # of OCCASIONS
```"""
ON_POLICY = """\
What stands under `then:`. Rules, overrides and the default must `route`; an item under `also:` adds effects and may
neither route nor automate (AUTOMATION). Teams and templates must be declared in operations.yaml; people are PEOPLE.
Durations are written 90s, 30m, 4h, 2d.

When several items apply, lists are united in file order, the most urgent priority wins, a single value set twice keeps
the winner's, and a paused auto-close never closes. A replay plays `route` and `priority`; everything else is stored
with the decision and shown, and changes no wait ([replay](../method/replay.md))."""
ON_COMMANDS = """\
Answers go to stdout, logs to stderr. Exit codes: [exit-codes.md](exit-codes.md). Every command takes the common flags
at the end."""


def cell(text: object) -> str:
    """Text that cannot break a Markdown table."""
    return " ".join(str(text).split()).replace("|", "\\|")


def table(heading: Sequence[str], rows: Iterable[Sequence[object]]) -> list[str]:
    """Lines of a Markdown table."""
    lines = [" | ".join(["", *heading, ""]).strip(), "|" + "---|" * len(heading)]
    return lines + ["| " + " | ".join(cell(value) for value in row) + " |" for row in rows]


def page(title: str, source: str, *parts: Sequence[str]) -> str:
    """A page: title, where it comes from, parts with a blank line between them."""
    blocks = [[f"# {title}"], [NOTE.format(source=source)], *parts]
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


def tables_page() -> str:
    """Canonical tables: grain, key, columns."""
    from triage_lab.domain.tables import CANONICAL

    words = {"VARCHAR": "text", "TIMESTAMP": "time", "DATE": "date", "BIGINT": "whole number"}
    words |= {"DOUBLE": "number", "BOOLEAN": "true/false", "JSON": "JSON"}
    intro = [ON_TABLES]
    parts = [intro, table(("table", "grain"), ((f"[{t.name}](#{t.name})", t.grain) for t in CANONICAL.values()))]
    for found in CANONICAL.values():
        key = ", ".join(f"`{name}`" for name in found.key)
        parts.append([f"## {found.name}", "", f"{found.grain[0].upper()}{found.grain[1:]}. Key: {key}."])
        rows = (
            (f"`{c.name}`", words[c.kind.value], c.unit, "yes" if c.required else "", c.meaning) for c in found.columns
        )
        parts.append(table(("column", "type", "unit", "required", "meaning"), rows))
    return page("Canonical tables", "triage_lab/domain/tables.py", *parts)


def columns_page() -> str:
    """Context columns that a rule may read."""
    from triage_lab import policy

    intro = [ON_COLUMNS]
    rows = []
    for column in policy.read_columns().values():
        limits = ", ".join(column.values) if column.values else ""
        if column.low is not None or column.high is not None:
            limits = (
                f"{'' if column.low is None else column.low} … {'' if column.high is None else column.high}".strip()
            )
        null = "yes" if column.nullable else "no"
        rows.append(
            (f"`{column.name}`", column.kind, column.unit, null, column.source, column.as_of, limits, column.meaning)
        )
    heading = ("column", "type", "unit", "NULL", "source", "as of", "values", "meaning")
    return page("Columns that a rule may read", "triage_lab/policy/columns.yaml", intro, table(heading, rows))


def metrics_page() -> str:
    """Every metric of the catalogue."""
    from triage_lab.metrics import CATALOGUE

    intro = [ON_METRICS]
    summary = [
        (f"[`{m.name}`](#{m.name})", m.label, m.unit.replace("_", " "), STATISTICS[m.statistic], m.better, m.ceiling)
        for m in CATALOGUE.values()
    ]
    parts = [intro, table(("metric", "label", "unit", "statistic", "better", "best grade"), summary)]
    for metric in CATALOGUE.values():
        parts.append(
            [
                f"## {metric.name}",
                "",
                f"**{metric.label}.** {metric.definition}",
                "",
                f"- Denominator: {metric.denominator}",
                f"- Open tickets: {metric.open_rule}",
                f"- Unit: {metric.unit.replace('_', ' ')} ({STATISTICS[metric.statistic]}); better: {metric.better}; "
                f"best grade: {metric.ceiling}",
            ]
        )
    return page("Metrics", "triage_lab/metrics/catalogue.py", *parts)


def checks_page() -> str:
    """Built-in gate checks and the gates that are shipped."""
    from triage_lab import quality
    from triage_lab.lab.documents import read_document
    from triage_lab.quality.checks import CHECKS, OCCASIONS

    intro = [ON_CHECKS.replace("OCCASIONS", ", ".join(OCCASIONS))]
    rows = []
    for name, check in CHECKS.items():
        params = [f"`{p.name}` ({p.shape}{_kinds(p.kinds)}{'' if p.required else ', optional'})" for p in check.params]
        bounds = "`low`, `high` or both" if check.bounded or check.kind == "scalar" else ""
        where = ", ".join(sorted(check.tables)) or "any"
        meaning = check.meaning + (f"; skipped under {check.least} points" if check.least > 1 else "")
        rows.append((f"`{name}`", check.kind, meaning, ", ".join([*params, *filter(None, [bounds])]), where))
    built_in = ["## Built-in checks", "", *table(("check", "kind", "demands that", "params", "tables"), rows)]
    files = sorted((ROOT / "data" / "gates").glob("*.yaml"))
    shipped = quality.read_gates([read_document(path, name=path.name) for path in files])
    listed = [(f"`{g.gate_id}`", g.title, g.table, f"`{g.check}`", g.severity, g.owner) for g in shipped]
    default = ["## Gates of a new lab", "", *table(("gate", "title", "table", "check", "severity", "owner"), listed)]
    return page("Gate checks", "triage_lab/quality/checks.py and data/gates", intro, built_in, default)


def _kinds(kinds: Iterable[Any]) -> str:
    """Types that a parameter's column must have."""
    words = {"VARCHAR": "text", "TIMESTAMP": "time", "DATE": "date", "BIGINT": "whole number", "DOUBLE": "number"}
    found = [words[kind.value] for kind in sorted(kinds, key=lambda kind: str(kind.value))]
    return f" of {' or '.join(found)}" if found else ""


def actions_page() -> str:
    """What ``then:`` may say."""
    from triage_lab.policy.actions import ACTION_NAMES, AUTOMATION, PEOPLE

    listed = {"AUTOMATION": AUTOMATION, "PEOPLE": PEOPLE}
    intro = ON_POLICY
    for word, names in listed.items():
        intro = intro.replace(word, ", ".join(f"`{name}`" for name in names))
    rows = [(f"`{name}`", *ACTIONS[name][:2], f"`{ACTIONS[name][2]}`") for name in ACTION_NAMES]
    heading = ("action", "value", "means", "example")
    return page("Policy actions", "triage_lab/policy/actions.py", [intro], table(heading, rows))


def commands() -> Iterator[tuple[str, Any]]:
    """Every command by its full name, with what the app registered for it."""
    from triage_lab.cli.main import app

    for info in app.registered_commands:
        yield str(info.name), info
    for group in app.registered_groups:
        for info in group.typer_instance.registered_commands if group.typer_instance else ():
            yield f"{group.name} {info.name}", info


def commands_page() -> str:
    """Every command, its help, parameters and examples."""
    from triage_lab.cli.session import COMMON

    found = dict(commands())
    index = [
        f"- [`triage-lab {name}`](#triage-lab-{name.replace(' ', '-')}): {_first(i.callback)}"
        for name, i in found.items()
    ]
    intro = [ON_COMMANDS, "", *index]
    parts: list[Sequence[str]] = [intro]
    shared: list[tuple[str, str, str]] = []
    for name, info in found.items():
        own, common = [], []
        for parameter in inspect.signature(info.callback).parameters.values():
            row = _parameter(parameter)
            panel = getattr(get_args(parameter.annotation)[1], "rich_help_panel", None)
            (common if panel == COMMON else own).append(row)
        shared = shared or common
        examples = [line.strip() for line in str(info.epilog).splitlines()[1:] if line.strip()]
        parts.append([f"## triage-lab {name}", "", inspect.cleandoc(info.callback.__doc__ or "")])
        parts.append(table(("parameter", "default", "meaning"), own) if own else [])
        parts.append(["```sh", *examples, "```"])
    parts += [["## Common flags"], table(("parameter", "default", "meaning"), shared)]
    return page("Commands", "the command line itself", *parts)


def _first(function: Callable[..., object]) -> str:
    """First sentence of a docstring."""
    return inspect.cleandoc(function.__doc__ or "").split("\n")[0]


def _parameter(parameter: inspect.Parameter) -> tuple[str, str, str]:
    """Name with its value, default and help of one parameter."""
    kind, info = get_args(parameter.annotation)[:2]
    required = parameter.default is inspect.Parameter.empty
    value = _value(kind)
    if type(info).__name__ == "ArgumentInfo":
        name = str(info.metavar or parameter.name.upper())
        shown = f"`{name}`" if required else f"`[{name}]`"
    else:
        # In an annotation Typer keeps an option's first name where its default would stand.
        declared = [str(text) for text in (info.default, *(info.param_decls or ())) if str(text).startswith("-")]
        names = [name for text in declared for name in text.split("/")]  # `--clocks/--no-clocks` is two
        names = names or ["--" + parameter.name.replace("_", "-")]
        shown = ", ".join(f"`{text}`" for text in names) + (f" {value}" if value else "")
    default = "required" if required else _default(parameter.default)
    limits = [
        f"at least {info.min:,}" if info.min is not None else "",
        f"at most {info.max:,}" if info.max is not None else "",
    ]
    extra = ", ".join(filter(None, limits))
    return shown, default, str(info.help or "") + (f" ({extra})" if extra else "")


def _default(value: object) -> str:
    """A default as it is shown; nothing where there is none."""
    return "" if value is None or value is False else f"`{value}`"


def _value(kind: Any) -> str:
    """What follows an option: nothing for a flag."""
    if get_origin(kind) in (Union, UnionType):
        kind = next(part for part in get_args(kind) if part is not type(None))
    return {bool: "", int: "N", float: "X", Path: "PATH"}.get(kind, "TEXT")


def sources_page() -> str:
    """What is read of every system's export, what comes out of it, and what does not."""
    from triage_lab.sources import list_sources, read_mapping

    parts: list[Sequence[str]] = [
        [
            "`triage-lab ingest --source NAME FILES…` reads the files of a system as it exports them. Columns are "
            "found by name in any spelling (`AccountId`, `account_id`, `Account ID`); a source with several objects "
            "reads all files of an export, or a folder, together. Files are told apart by their names or their "
            "columns; `OBJECT=FILE` says it outright.",
        ]
    ]
    for name in list_sources():
        mapping = read_mapping(name)
        parts.append([f"## {name}", "", f"{mapping.title}. Mapping version {mapping.version}."])
        layouts = [(f"`{layout.name}`", layout.meaning) for layout in mapping.layouts]
        parts.append(table(("layout", "times"), layouts))
        for item in mapping.objects:
            files = f" (files named {', '.join(f'`{stem}`' for stem in item.names)})" if item.names else ""
            parts.append([f"### {name}: {item.name}{files}" if mapping.many else "### Columns", "", item.title + "."])
            rows = [
                (
                    f"`{column.name}`",
                    column.kind.name.lower(),
                    "yes" if column.required else "",
                    ", ".join(f"`{alias}`" for alias in column.aliases),
                )
                for column in item.columns
            ]
            parts.append(table(("column", "type", "required", "also called"), rows))
        for out in mapping.tables:
            needs = f" (needs {', '.join(out.from_objects)})" if out.from_objects else ""
            parts.append([f"### {name} → {out.table}{needs}"])
            rows = [(f"`{column}`", path) for column, path in out.paths.items()]
            rows += [(f"`{column}`", f"not derived: {why}") for column, why in out.not_derived.items()]
            parts.append(table(("canonical column", "where it comes from"), rows))
        never = [(f"`{column}`", why) for column, why in mapping.never_in_rules.items()]
        parts.append([f"### {name}: never in rules"])
        parts.append(table(("column", "because"), never))
        parts.append([f"### {name}: taken for granted", "", *(f"- {text}" for text in mapping.assumptions)])
    return page("Sources", "the mappings in triage_lab/sources/mappings", *parts)


def clocks_page() -> str:
    """The knobs of SLA clocks, what each preset sets them to, and what that rests on."""
    from triage_lab.replay import PRESETS

    parts: list[Sequence[str]] = [
        [
            "A preset is a setting of the same knobs, so that one engine keeps the clocks of every vendor. `doctor` "
            "computes them from the events of a log and sets them beside the vendor's own. A title ends in `-like` "
            "while a knob is general knowledge rather than written by the vendor. Hand-worked vectors for each preset "
            "lie in `tests/golden/clocks`; a span is half-open, and acting exactly at the due second is met.",
        ]
    ]
    for preset in PRESETS.values():
        rows = [
            (
                f"`{note.knob}`",
                _knob(getattr(preset.rules, note.knob)),
                "yes" if note.confirmed else "general knowledge",
                note.note,
            )
            for note in preset.notes
        ]
        parts += [[f"## {preset.title} (`{preset.name}`)"], table(("knob", "set to", "confirmed", "rests on"), rows)]
    return page("SLA clock presets", "triage_lab/replay/presets.py", *parts)


def _knob(value: Any) -> str:
    """A knob's value in words."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        pairs = [f"{metric.value} in {', '.join(sorted(pause.value for pause in pauses))}" for metric, pauses in value]
        return "; ".join(pairs) or "never"
    return str(value.value).replace("_", " ")


def pages() -> dict[Path, str]:
    """Every generated page, by its path."""
    return {
        DOCS / "reference" / "tables.md": tables_page(),
        DOCS / "reference" / "columns.md": columns_page(),
        DOCS / "reference" / "commands.md": commands_page(),
        DOCS / "reference" / "checks.md": checks_page(),
        DOCS / "reference" / "policy-actions.md": actions_page(),
        DOCS / "reference" / "sources.md": sources_page(),
        DOCS / "reference" / "clock-presets.md": clocks_page(),
        DOCS / "method" / "metrics.md": metrics_page(),
    }


def main() -> None:
    """Write them all."""
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
