"""Subjects and bodies, composed from phrases; a duplicate says nearly what its original said."""

from __future__ import annotations

import numpy as np
import polars as pl

from triage_lab.replay.synthetic import phrases
from triage_lab.replay.synthetic.inflow import Inflow
from triage_lab.replay.synthetic.parameters import CATEGORIES, LANGUAGES, MODULES, SUBJECTS, TYPES
from triage_lab.replay.synthetic.streams import Ints

_ENGLISH = [phrases.SUBJECT_LINES[subject.name] for subject in SUBJECTS]
_GERMAN = [phrases.GERMAN_LINES[name] for name in CATEGORIES]
_FRENCH = [phrases.FRENCH_LINES[name] for name in CATEGORIES]
_SITUATIONS = [phrases.SITUATIONS[name] for name in CATEGORIES]
_REQUESTS = [phrases.REQUESTS[name] for name in TYPES]


def compose_texts(rng: np.random.Generator, inflow: Inflow) -> tuple[pl.Series, pl.Series]:
    """Return subject and body of every ticket, both shape (n,)."""
    draws = rng.random((7, len(inflow)))
    source = np.where(inflow.original >= 0, inflow.original, np.arange(len(inflow)))
    draws[:5] = draws[:5, source]  # a duplicate draws what its original drew
    repeated = pl.Series(inflow.original >= 0)
    subject = _subjects(inflow, draws[0])
    body = _bodies(inflow, draws)
    again = _choose([phrases.REPEAT_PREFIXES], np.zeros_like(inflow.subject), draws[5]) + subject
    more = body + " " + _choose([phrases.REPEAT_ENDINGS], np.zeros_like(inflow.subject), draws[6])
    return again.zip_with(repeated, subject).rename("subject"), more.zip_with(repeated, body).rename("body")


def _subjects(inflow: Inflow, draw: np.ndarray) -> pl.Series:
    """Subject lines: English, or German or French for tickets in these languages."""
    table = [*_ENGLISH, *_GERMAN, *_FRENCH]
    group = inflow.subject.copy()
    category = inflow.category
    german, french = LANGUAGES.index("de"), LANGUAGES.index("fr")
    group = np.where(inflow.language == german, len(_ENGLISH) + category, group)
    group = np.where(inflow.language == french, len(_ENGLISH) + len(_GERMAN) + category, group)
    return _with_module(_choose(table, group, draw), inflow.module)


def _bodies(inflow: Inflow, draws: np.ndarray) -> pl.Series:
    """Opening, situation, request, closing."""
    nobody = np.zeros_like(inflow.subject)
    return (
        _choose([phrases.OPENINGS], nobody, draws[1])
        + " "
        + _with_module(_choose(_SITUATIONS, inflow.category, draws[2]), inflow.module)
        + " "
        + _choose(_REQUESTS, inflow.type, draws[3])
        + " "
        + _choose([phrases.CLOSINGS], nobody, draws[4])
    )


def _choose(table: list[tuple[str, ...]], group: Ints, draw: np.ndarray) -> pl.Series:
    """One phrase of the group's phrases, by a number in [0, 1)."""
    lengths = np.array([len(entries) for entries in table])
    starts = np.concatenate([[0], np.cumsum(lengths)[:-1]])
    index = starts[group] + (draw * lengths[group]).astype(np.int64)
    return pl.Series([phrase for entries in table for phrase in entries]).gather(pl.Series(index.astype(np.uint32)))


def _with_module(text: pl.Series, module: Ints) -> pl.Series:
    """The text with the module's name in place of ``{m}``."""
    frame = pl.DataFrame({"text": text, "module": module})
    named = pl.col("text")
    for code, name in enumerate(MODULES):
        named = (
            pl.when(pl.col("module") == code)
            .then(pl.col("text").str.replace_all("{m}", name, literal=True))
            .otherwise(named)
        )
    return frame.select(named).to_series()
