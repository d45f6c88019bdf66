"""Who a customer is in each system: other ids, other spellings, and what could tie them together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from triage_lab.replay.synthetic.frames import masked, numbered, words
from triage_lab.replay.synthetic.parameters import REGIONS
from triage_lab.replay.synthetic.streams import Bools, Ints, chance, pick
from triage_lab.replay.synthetic.vendor import names as spelling
from triage_lab.replay.synthetic.vendor.ids import numeric_ids, salesforce_ids, short_form, stripe_ids

SYSTEMS = ("zendesk", "salesforce", "stripe", "contracts")
FREE_MAIL = ("gmail.com", "gmx.de", "outlook.com", "yahoo.com")
NOBODY = -1
_STRANGE = (
    ("Amber", "Birch", "Copper", "Dune", "Echo", "Flint", "Ginger", "Hazel", "Ivory", "Jasper", "Linen", "Marble",
     "Nutmeg", "Opal", "Pepper", "Quill", "Rowan", "Saffron", "Topaz", "Velvet"),
    ("Street", "Bay", "Bridge", "Corner", "Court", "Field", "Gate", "Hill", "Lane", "Park", "Quay", "Square"),
    ("Books", "Boats", "Cafe", "Cycles", "Dental", "Fabrics", "Films", "Florist", "Gallery", "Instruments", "Joinery",
     "Kitchens", "Lamps", "Maps", "Nursery", "Optics", "Paper", "Repairs", "Seeds", "Toys", "Vets", "Wines"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Habits:
    """How one system keeps its customers: shares of spellings (by style), and of what else it knows of them."""

    styles: tuple[float, ...]
    domain: float
    free_mail: float
    external: float
    short_external: float = 0.0  # of the external ids, cut to 15 characters


HABITS = {
    "zendesk": Habits((0.34, 0.1, 0.06, 0.04, 0.06, 0.1, 0.1, 0.1, 0.1), 0.85, 0.05, 0.5, 0.25),
    "salesforce": Habits((0.3, 0.5, 0.2, 0, 0, 0, 0, 0, 0), 0.92, 0.0, 0.0),
    "stripe": Habits((0.2, 0.25, 0.15, 0.08, 0.08, 0.08, 0.06, 0.05, 0.05), 0.8, 0.1, 0.5),
    "contracts": Habits((0.05, 0.55, 0.3, 0.06, 0, 0, 0.02, 0, 0.02), 0.7, 0.03, 0.5),
}
RARE = {"twins": 100, "families": 80, "elsewhere": 50, "second_customer": 5}  # one in so many accounts


@dataclass(frozen=True, slots=True)
class Book:
    """All customers by number: first those of the desk, then those that a single system knows.

    ``people`` has number, account_id, home (the only system that knows it; NULL = all), name, domain, parent
    (number, NOBODY), region (code), opened_at, crm_id, twin (another customer is called nearly the same) and
    shared (another customer has the same domain).
    """

    people: pl.DataFrame
    desk: int

    def __len__(self) -> int:
        return len(self.people)

    def numbers_of(self, account_ids: pl.Series) -> Ints:
        """Return the numbers of desk accounts, NOBODY for NULL and for accounts that no table holds."""
        numbers = account_ids.str.extract(r"^A-(\d+)$").cast(pl.Int64) - 1
        return numbers.fill_null(NOBODY).to_numpy().astype(np.int64)


def draw_book(rng: np.random.Generator, accounts: pl.DataFrame) -> Book:
    """Name the desk's accounts, plant twins and families, and add customers that one system alone knows.

    Parameters
    ----------
    rng : numpy.random.Generator
        Stream to draw from.
    accounts : polars.DataFrame
        The desk's table of accounts.
    """
    first = accounts.sort("account_id", "valid_from").unique("account_id", keep="first", maintain_order=True)
    count = len(first)
    name = spelling.legal_names(first["name"], rng.random(count))
    order = rng.permutation(count)
    twins, families = (max(1, count // RARE[kind]) for kind in ("twins", "families"))
    pairs = order[: 2 * (twins + families)].reshape(-1, 2)
    alike, houses = pairs[:twins], pairs[twins:]
    name = _replaced(name, alike[:, 1], spelling.twin_names(name.gather(_places(alike[:, 0]))))
    branch = spelling.chosen(spelling.SUBSIDIARIES, rng.random(families))
    name = _replaced(name, houses[:, 1], name.gather(_places(houses[:, 0])) + " " + branch)
    site = np.arange(count)
    site[houses[:, 1]] = houses[:, 0]
    parent = np.full(count, NOBODY)
    parent[houses[:, 1]] = houses[:, 0]
    known = pl.DataFrame(
        {
            "account_id": first["account_id"],
            "home": pl.Series([None], dtype=pl.String).new_from_index(0, count),
            "name": name,
            "domain": (spelling.slugs(name) + ".example").gather(_places(site)),
            "parent": parent,
            "region": first["region"].replace_strict(list(REGIONS), list(range(len(REGIONS))), return_dtype=pl.Int64),
            "opened_at": first["valid_from"],
            "twin": _marked(count, alike.ravel()),
            "shared": _marked(count, houses.ravel()),
        }
    )
    people = (
        pl.concat([known, _strangers(rng, known)])
        .with_row_index("number")
        .with_columns(pl.col("number").cast(pl.Int64))
    )
    return Book(people.with_columns(crm_id=salesforce_ids("001", people["number"].to_numpy())), count)


def _strangers(rng: np.random.Generator, known: pl.DataFrame) -> pl.DataFrame:
    """Customers of one system alone; they write no tickets."""
    each = max(2, len(known) // RARE["elsewhere"])
    count = each * len(SYSTEMS)
    number = np.arange(count)
    system = np.repeat(np.arange(len(SYSTEMS)), each)
    first, second, third = _STRANGE
    name = words(first, number % len(first)) + " " + words(second, (number // len(first)) % len(second))
    name = name + " " + words(third, (number // (len(first) * len(second)) + number) % len(third))
    serial = number // (len(first) * len(second) * len(third))
    name = name + masked(numbered(" ", serial + 1, 1), serial == 0).fill_null("")
    home = words(SYSTEMS, system)
    return pl.DataFrame(
        {
            "account_id": "X-" + home + "-" + numbered("", number % each + 1, 6),
            "home": home,
            "name": name,
            "domain": spelling.slugs(name) + ".example",
            "parent": np.full(count, NOBODY),
            "region": pick(rng, (1, 1, 1), count),
            "opened_at": known["opened_at"].gather(_places(rng.integers(0, len(known), count))),
            "twin": np.zeros(count, dtype=np.bool_),
            "shared": np.zeros(count, dtype=np.bool_),
        }
    )


def _places(index: np.ndarray) -> pl.Series:
    """Row numbers as Polars takes them."""
    return pl.Series(index.astype(np.uint32))


def _marked(count: int, index: np.ndarray) -> Bools:
    """TRUE at the given places."""
    marks = np.zeros(count, dtype=np.bool_)
    marks[index] = True
    return marks


def _replaced(values: pl.Series, index: np.ndarray, new: pl.Series) -> pl.Series:
    """The values with those at ``index`` replaced."""
    order = np.argsort(index)
    return values.scatter(_places(index[order]), new.gather(_places(order)))


@dataclass(frozen=True, slots=True)
class View:
    """What one system knows of its customers.

    ``rows`` has number, source_id, name, domain (NULL unknown; a free-mail host for some), external_id (the CRM's
    id, NULL unknown) and how (by what it can be found: exact, domain, name, not); one row per customer, but for
    second customers of Stripe.
    """

    system: str
    rows: pl.DataFrame

    def id_of(self, numbers: Ints) -> pl.Series:
        """Return the source id of customers by number (the first one), NULL for NOBODY and strangers."""
        first = self.rows.unique("number", keep="first", maintain_order=True)
        wanted = pl.DataFrame({"number": numbers})
        return wanted.join(first, on="number", how="left", maintain_order="left")["source_id"]


def draw_view(rng: np.random.Generator, book: Book, system: str, crm: View | None) -> View:
    """Draw how a system spells its customers, and what it knows of them.

    Parameters
    ----------
    rng : numpy.random.Generator
        Stream of the system.
    book : Book
    system : str
        One of SYSTEMS.
    crm : View or None
        What Salesforce knows: the other side of a domain. None for Salesforce itself.
    """
    habits = HABITS[system]
    count = len(book)
    people = book.people
    style = pick(rng, habits.styles, count)
    forms = spelling.forms_of(people["region"].to_numpy(), rng.random(count))
    name = spelling.spelled(people["name"], style, forms, rng.integers(1, 4, count))
    knowledge = rng.random(count)
    host = spelling.chosen(FREE_MAIL, rng.random(count))
    free = pl.Series((knowledge >= habits.domain) & (knowledge < habits.domain + habits.free_mail))
    domain = masked(people["domain"], knowledge >= habits.domain).zip_with(~free, host)
    external = people["crm_id"]
    external = external.zip_with(~pl.Series(chance(rng, habits.short_external, count)), short_form(external))
    stranger = people["home"].is_not_null()
    external = masked(external, stranger | pl.Series(~chance(rng, habits.external, count)))
    # a repository of contracts has no customers of its own: it files them under the CRM's id, else under the name
    filed = external.zip_with(external.is_not_null(), name)
    rows = pl.DataFrame(
        {
            "number": people["number"],
            "source_id": filed if system == "contracts" else _ids(system, people["number"].to_numpy()),
            "name": name,
            "domain": domain,
            "external_id": external,
        }
    )
    sure = pl.Series(knowledge < habits.domain)
    how = _findable(people, crm, external.is_not_null(), sure, pl.Series(style == spelling.MISTYPED), system)
    rows = rows.with_columns(how=how).filter((people["home"].is_null()) | (people["home"] == system))
    return View(system, rows)


def _ids(system: str, numbers: Ints) -> pl.Series:
    """The system's own ids."""
    if system == "salesforce":
        return salesforce_ids("001", numbers)
    if system == "stripe":
        return stripe_ids("cus_", numbers)
    return pl.Series(numeric_ids(360, numbers)).cast(pl.String)


def _findable(
    people: pl.DataFrame, crm: View | None, named: pl.Series, own_domain: pl.Series, mistyped: pl.Series, system: str
) -> pl.Series:
    """By what a row can be tied to the CRM's account; the CRM's own rows are found by definition."""
    elsewhere = people["home"].is_not_null()
    if crm is None:
        exact, by_domain = ~elsewhere, pl.Series([False]).new_from_index(0, len(people))
    else:
        both = people.join(crm.rows.select("number", site="domain"), on="number", how="left", maintain_order="left")
        exact, by_domain = named, own_domain & both["site"].is_not_null() & ~people["shared"]
    lost = elsewhere | (people["twin"] & mistyped)
    code = np.select([elsewhere.to_numpy(), exact.to_numpy(), by_domain.to_numpy(), lost.to_numpy()], [3, 0, 1, 3], 2)
    return words(("exact", "domain", "name", "not"), code)


def with_second_customers(view: View, chosen: Sequence[int] | Ints) -> View:
    """Give some customers a second row under another id, as a billing system has it after a change of contract.

    The second row knows no domain and no id of the CRM, only the name.
    """
    again = view.rows.filter(pl.col("number").is_in(pl.Series(np.asarray(chosen)).implode()))
    again = again.with_columns(
        source_id=stripe_ids("cus_", again["number"].to_numpy() + 2**31),
        domain=pl.lit(None, dtype=pl.String),
        external_id=pl.lit(None, dtype=pl.String),
        how=pl.lit("name"),
    )
    return View(view.system, pl.concat([view.rows, again]))


def link_table(views: Sequence[View], book: Book) -> pl.DataFrame:
    """Return the truth: source, source_id, account_id, how_findable."""
    parts = [
        view.rows.join(book.people.select("number", "account_id"), on="number", maintain_order="left").select(
            pl.lit(view.system).alias("source"), "source_id", "account_id", pl.col("how").alias("how_findable")
        )
        for view in views
    ]
    return pl.concat(parts).sort("source", "source_id")
