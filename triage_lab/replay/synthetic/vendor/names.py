"""Customer names as people type them: one legal name, and how each system spells it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from triage_lab.replay.synthetic.frames import masked, words
from triage_lab.replay.synthetic.streams import Bools, Ints

_PLACES = (
    "Aarhus", "Bergen", "Bilbao", "Bremen", "Calgary", "Cardiff", "Cork", "Denver", "Dover", "Essen", "Geneva", "Ghent",
    "Graz", "Hobart", "Innsbruck", "Jaipur", "Kyoto", "Leeds", "Linz", "Lyon", "Malaga", "Modena", "Nantes", "Oslo",
    "Porto", "Quebec", "Riga", "Seoul", "Tampa", "Turku", "Utrecht", "Verona", "Warsaw", "York", "Zagreb",
)  # fmt: skip
_BRANCHES = ("", "Care", "Trade", "Systems", "Studio", "Supply", "Direct", "Point", "Line", "House")
_PARTNERS = ("", " & Partners", " & Sons", " & Sisters")
_SHORT_FORMS = {
    "Analytics": "Analyt.", "Clinics": "Clin.", "Logistics": "Logist.", "Laboratories": "Labs", "Outfitters": "Outf.",
    "Robotics": "Robot.", "Textiles": "Text.", "Partners": "Ptnrs", "Freight": "Frt.", "Systems": "Sys.",
}  # fmt: skip
_TWIN_FORMS = {
    "Harbor": "Harbour", "Labs": "Lab", "Clinics": "Clinic", "Foods": "Food", "Hotels": "Hotel", "Mills": "Mill",
    "Works": "Work", "Schools": "School", "Textiles": "Textile", "Devices": "Device", "Logistics": "Logistic",
    "Robotics": "Robotic", "Outfitters": "Outfitter", "Analytics": "Analytic",
}  # fmt: skip
SUBSIDIARIES = ("Deutschland", "Iberia", "Nordics", "Benelux", "Asia")
LEGAL_FORMS = (("GmbH", "Ltd", "B.V.", "S.A."), ("Inc.", "LLC", "Corp."), ("Pte. Ltd.", "Pty Ltd"))  # by region
(PLAIN, FORMAL, COMMA, UPPER, LOWER, PUNCTUATED, SPELLED_AND, SHORTENED, MISTYPED) = range(9)
"""How a name is spelled: as it is; with its legal form, perhaps after a comma; in capitals or small letters; with a
hyphen and stray blanks; with the word "and"; shortened; with two letters swapped."""


def legal_names(desk_names: pl.Series, draw: np.ndarray) -> pl.Series:
    """Return a name without numbers for every customer, no two equal.

    Parameters
    ----------
    desk_names : Series of String
        Names of the desk's accounts: two words, and a number from 2 on where the words repeat.
    draw : float64 array, shape (n,), in [0, 1)
        Which names get a partner.
    """
    serial = desk_names.str.extract(r" (\d+)$").cast(pl.Int64).fill_null(1).to_numpy() - 1
    place = words(("", *(" " + name for name in _PLACES)), np.where(serial > 0, (serial - 1) % len(_PLACES) + 1, 0))
    block = np.maximum(serial - 1, 0) // len(_PLACES)
    branch = words([" " + name if name else "" for name in _BRANCHES], block % len(_BRANCHES))
    partner = words(_PARTNERS, np.searchsorted((0.85, 0.92, 0.96), draw, side="right"))
    return (desk_names.str.replace(r" \d+$", "") + branch + place + partner).rename("name")


def twin_names(names: pl.Series) -> pl.Series:
    """Return names that differ from the given ones by a letter or a small word: other companies all the same."""
    frame = names.rename("name").to_frame()
    changed = pl.col("name")
    for word, other in _TWIN_FORMS.items():
        changed = changed.str.replace(rf"\b{word}\b", other)
    same = changed == pl.col("name")
    return frame.select(pl.when(same).then(pl.col("name") + " One").otherwise(changed)).to_series()


def slugs(names: pl.Series) -> pl.Series:
    """Return names as the first label of a domain."""
    return names.str.to_lowercase().str.replace_all(r"[^a-z0-9]+", "-").str.strip_chars("-")


def spelled(names: pl.Series, style: Ints, forms: pl.Series, letter: Ints) -> pl.Series:
    """Return each name in its style.

    Parameters
    ----------
    names, forms : Series of String
        Legal names, and the legal form of each.
    style : int64 array, shape (n,)
        PLAIN to MISTYPED.
    letter : int64 array, shape (n,)
        Where two letters are swapped, counted from the second of the name.
    """
    frame = pl.DataFrame({"name": names, "form": forms, "style": style, "at": letter})
    name = pl.col("name")
    shortened = name
    for word, short in _SHORT_FORMS.items():
        shortened = shortened.str.replace(rf"\b{word}\b", short)
    swapped = pl.concat_str(
        name.str.slice(0, pl.col("at") + 1),
        name.str.slice(pl.col("at") + 2, 1),
        name.str.slice(pl.col("at") + 1, 1),
        name.str.slice(pl.col("at") + 3),
    )
    styles = {
        FORMAL: name + " " + pl.col("form"),
        COMMA: name + ", " + pl.col("form"),
        UPPER: (name + " " + pl.col("form")).str.to_uppercase(),
        LOWER: name.str.to_lowercase(),
        PUNCTUATED: name.str.replace(" ", "-", literal=True) + "  " + pl.col("form") + " ",
        SPELLED_AND: name.str.replace("&", "and", literal=True),
        SHORTENED: shortened,
        MISTYPED: swapped,
    }
    chosen = name
    for code, expression in styles.items():
        chosen = pl.when(pl.col("style") == code).then(expression).otherwise(chosen)
    return frame.select(chosen.alias("name")).to_series()


def forms_of(region: Ints, draw: np.ndarray) -> pl.Series:
    """Return a legal form that is usual in each region."""
    table = [form for forms in LEGAL_FORMS for form in forms]
    lengths = np.array([len(forms) for forms in LEGAL_FORMS])
    starts = np.concatenate([[0], np.cumsum(lengths)[:-1]])
    return words(table, starts[region] + (draw * lengths[region]).astype(np.int64))


def chosen(values: Sequence[str], draw: np.ndarray, missing: Bools | None = None) -> pl.Series:
    """Return one of a few texts by a number in [0, 1); NULL where ``missing``."""
    texts = words(values, (draw * len(values)).astype(np.int64))
    return texts if missing is None else masked(texts, missing)
