"""What a file's name says about what it holds: the object of an export, behind prefixes, dates and part numbers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from triage_lab.sources.columns import plain
from triage_lab.sources.mapping import Mapping

ENDINGS = (".csv", ".csv.gz", ".tsv", ".tsv.gz", ".parquet", ".jsonl", ".jsonl.gz")
_SHORT = {"salesforce": ("sf", "sfdc"), "zendesk": ("zd",)}
_LEADS = ("stg", "raw", "src")
_TAILS = ("data", "export", "rows", "part", "full", "all")
# part numbers, dates and times, and the (1) that a browser adds
_NUMBERS = re.compile(r"_?(\(\d+\)|\d+_of_\d+|\d[\dtz_:]*)$")


def is_table(path: Path) -> bool:
    """Whether a file in a folder is one to read, by its ending; hidden files and those that begin with _ are not."""
    return path.name.lower().endswith(ENDINGS) and not path.name.startswith((".", "_"))


def in_sequence(name: str) -> list[tuple[int, str]]:
    """Return a key that sorts names with numbers by their values: part 2 before part 10.

    Examples
    --------
    >>> sorted(["ticket_10.csv", "ticket_2.csv"], key=in_sequence)
    ['ticket_2.csv', 'ticket_10.csv']
    """
    words = re.split(r"(\d+)", name)
    return [(int(word), word) if word.isdecimal() else (0, word) for word in words]


def stem(path: Path) -> str:
    """Return a file's name without its ending, as one writes columns.

    Examples
    --------
    >>> stem(Path("CaseHistory.csv.gz")), stem(Path("public.Ticket Audits.parquet"))
    ('case_history', 'public_ticket_audits')
    """
    name = path.name
    ending = max((each for each in ENDINGS if name.lower().endswith(each)), key=len, default=path.suffix)
    return plain(name.removesuffix(name[len(name) - len(ending) :]).replace(".", "_"))


def by_name(path: Path, source: Mapping) -> str:
    """Return the object of a source that a file's name means, or an empty text.

    Parameters
    ----------
    path : Path
        The file; it need not exist.
    source : Mapping
        The source; its name and the usual short form of it may stand before the object's.

    Notes
    -----
    The whole name comes first, then what is left without one such word, without two …: ``product_2`` is an object of
    that name before it is the second part of ``product``.

    Examples
    --------
    >>> from triage_lab.sources.mapping import read_mapping
    >>> by_name(Path("rows_2026-01-31.csv"), read_mapping("servicenow"))
    'rows'
    """
    meant = {plain(name): item.name for item in source.objects for name in item.names}
    seen: set[str] = set()
    turn = [stem(path)]
    while turn:
        for name in turn:
            if name in meant:
                return meant[name]
        seen.update(turn)
        shorter = dict.fromkeys(less for name in turn for less in _shorter(name, source))
        turn = [name for name in shorter if name not in seen]
    return ""


def _shorter(name: str, source: Mapping) -> Iterator[str]:
    """A name without one of the words that say nothing about the object."""
    for lead in (*_LEADS, source.name, f"{source.name}_support", *_SHORT.get(source.name, ())):
        if name.startswith(f"{lead}_"):
            yield name.removeprefix(f"{lead}_")
    for tail in _TAILS:
        if name.endswith(f"_{tail}"):
            yield name.removesuffix(f"_{tail}")
    if cut := _NUMBERS.sub("", name):
        yield cut
