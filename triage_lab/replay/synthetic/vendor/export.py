"""Writing a synthetic desk as the exports of several systems: a folder each, the truth in one of its own."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from triage_lab.domain.errors import UsageError
from triage_lab.replay.synthetic.desk import Desk
from triage_lab.replay.synthetic.export import check_folder, write_json
from triage_lab.replay.synthetic.vendor import contracts, salesforce, stripe, zendesk
from triage_lab.replay.synthetic.vendor.expectations import table_counts, vendor_findings, vendor_parameters
from triage_lab.replay.synthetic.vendor.identity import (
    RARE,
    SYSTEMS,
    Book,
    View,
    draw_book,
    draw_view,
    link_table,
    with_second_customers,
)
from triage_lab.replay.synthetic.vendor.truth import vendor_truth

SHAPES = SYSTEMS
FORMATS = ("csv", "parquet", "jsonl")
_STREAM = 0x76656E64  # sets these draws apart from those of the desk
_TIMES = {"salesforce": "%Y-%m-%dT%H:%M:%S.000+0000"}
_ISO = "%Y-%m-%dT%H:%M:%SZ"
README = """\
These are SYNTHETIC exports of an invented support desk. No person, company or event in them is real.

{tickets:,} tickets, seed {seed}, fault rate {faults}; shape {shape}. The same arguments give the same bytes.
One folder per system, with the names and columns of its own exports. Ingest them in a lab:

{commands}

Customers have an id of their own in every system. Link them before reading facts across systems, by one of

  triage-lab accounts link
  triage-lab ingest --table account_links truth/account_links.{format}

The second takes the truth, to measure what linking errors cost. truth/account_links holds source and source_id of each
identity, the customer's account_id, and how_findable: by what a row can be tied to the CRM's account. exact: it holds
the CRM's id, in 18 or in 15 characters; domain: its own, known to both; name: spelled in its own way; not: only this
system knows the customer, or nothing tells it apart.

truth/ holds what a real export never has, under the help desk's ticket numbers: the team that should have owned each
ticket, true touch times and waits, true values of every fact as of arrival (enrichment), near-duplicates, planted
faults, agents by team, what was planted (parameters.json) and what a good tool must find (expected.json). Never feed it
to a policy.
"""


@dataclass(frozen=True, slots=True)
class _Export:
    """What is written: the identities, and each system's tables."""

    desk: Desk
    book: Book
    views: Mapping[str, View]
    streams: Mapping[str, np.random.Generator]


def write_vendor_desk(desk: Desk, folder: Path, shape: Sequence[str] = SHAPES, format: str = "csv") -> tuple[Path, ...]:
    """Write the desk as the exports of several systems, and its truth to ``folder/truth``.

    Parameters
    ----------
    desk : Desk
        From ``generate_desk``.
    folder : Path
        New or empty folder; it appears complete or not at all.
    shape : sequence of str
        Systems of SHAPES, each at most once; a system's files are the same whatever the others are.
    format : str
        ``csv`` (empty = NULL), ``jsonl`` or ``parquet``.

    Returns
    -------
    tuple of Path
        Files of the exports, by system and name; large tables come in parts.

    Raises
    ------
    UsageError
        Unknown system or format, a system twice or none, or the folder holds something.
    """
    _check(shape, format)
    check_folder(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    partial = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)  # left by a run that was killed
    try:
        written = _write_all(desk, partial, [name for name in SHAPES if name in shape], format)
        if folder.exists():
            folder.rmdir()
        os.replace(partial, folder)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    return tuple(folder / path for path in written)


def _check(shape: Sequence[str], format: str) -> None:
    """Refuse what cannot be written."""
    if format not in FORMATS:
        raise UsageError(f"format {format!r}", " or ".join(FORMATS), "choose one of them", format=format)
    unknown = [name for name in shape if name not in SHAPES]
    if unknown or not shape or len(set(shape)) != len(shape):
        raise UsageError(
            f"shape {'+'.join(shape)!r}",
            f"one or several of {', '.join(SHAPES)}, joined by +, each once",
            "such as zendesk+salesforce+stripe",
            unknown=unknown,
        )


def _write_all(desk: Desk, folder: Path, shape: Sequence[str], format: str) -> list[Path]:
    """Write every file into a new folder, and return those of the systems, relative to it."""
    export = _identities(desk)
    counts: dict[str, dict[str, int]] = {}
    written = []
    for system in shape:
        (folder / system).mkdir(parents=True)
        for name, part, table in _tables(export, system):
            path = Path(system) / f"{name}{part}.{format}"
            _write(table, folder / path, _TIMES.get(system, _ISO))
            _add(counts.setdefault(f"{system}/{name}", {}), table_counts(name, table))
            written.append(path)
    truth = folder / "truth"
    truth.mkdir()
    frames = vendor_truth(desk) | {"account_links": link_table([export.views[name] for name in shape], export.book)}
    for name, table in frames.items():
        _write(table, truth / f"{name}.{format}", _ISO)
    links = frames["account_links"]
    write_json(vendor_parameters(desk.parameters, shape), truth / "parameters.json")
    write_json(vendor_findings(desk, counts, links), truth / "expected.json")
    (folder / "README.txt").write_text(_readme(desk, shape, format), encoding="utf-8", newline="\n")
    return sorted(written)


def _identities(desk: Desk) -> _Export:
    """Draw who the customers are in every system, whatever systems are asked for."""
    seeds = np.random.SeedSequence([desk.seed, _STREAM]).spawn(1 + 2 * len(SYSTEMS))
    streams = [np.random.Generator(np.random.PCG64(seed)) for seed in seeds]
    book = draw_book(streams[0], desk.tables["accounts"])
    crm = draw_view(streams[1 + SYSTEMS.index("salesforce")], book, "salesforce", None)
    views = {
        name: crm if name == "salesforce" else draw_view(streams[1 + place], book, name, crm)
        for place, name in enumerate(SYSTEMS)
    }
    payers = desk.tables["subscriptions"].filter(pl.col("subscription_id").str.ends_with("-2"))
    numbers = np.unique(book.numbers_of(payers["account_id"]))
    views["stripe"] = with_second_customers(views["stripe"], numbers[:: RARE["second_customer"]])
    return _Export(desk, book, views, dict(zip(SYSTEMS, streams[1 + len(SYSTEMS) :], strict=True)))


def _add(total: dict[str, int], counts: Mapping[str, int]) -> None:
    """Add the counts of one part of a table."""
    for name, count in counts.items():
        total[name] = total.get(name, 0) + count


def _tables(export: _Export, system: str) -> Iterator[tuple[str, str, pl.DataFrame]]:
    """Names, parts (`-01`, or nothing) and tables of a system."""
    rng, tables, view = export.streams[system], export.desk.tables, export.views[system]
    if system == "zendesk":
        desk = zendesk.help_desk(rng, tables, export.book, view)
        yield from ((name, "", table) for name, table in zendesk.small_tables(desk).items())
        several = len(desk.plan) > zendesk.BLOCK
        for number, block in enumerate(zendesk.large_tables(desk), start=1):
            yield from ((name, f"-{number:02d}" if several else "", table) for name, table in block.items())
        return
    written = {
        "salesforce": salesforce.salesforce_tables,
        "stripe": stripe.stripe_tables,
        "contracts": contracts.contract_tables,
    }
    yield from ((name, "", table) for name, table in written[system](rng, tables, export.book, view).items())


def _write(table: pl.DataFrame, path: Path, times: str) -> None:
    """Write one table; times say their zone."""
    if path.suffix == ".parquet":
        table.with_columns(pl.col(pl.Datetime).dt.replace_time_zone("UTC")).write_parquet(path, compression="zstd")
        return
    texts = table.with_columns(pl.col(pl.Datetime).dt.strftime(times))
    if path.suffix == ".csv":
        texts.write_csv(path)
    else:
        texts.write_ndjson(path)


def _readme(desk: Desk, shape: Sequence[str], format: str) -> str:
    """The page that says what this is and how it is loaded."""
    commands = "\n".join(
        f"  triage-lab ingest --source {name} --snapshot-at 2026-11-01T00:00:00Z {name}" for name in shape
    )
    return README.format(
        tickets=desk.tickets,
        seed=desk.seed,
        faults=desk.faults,
        shape="+".join(shape),
        commands=commands,
        format=format,
    )
