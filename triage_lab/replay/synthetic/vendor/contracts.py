"""The contract repository's export: one record per contract and amendment, one property row per clause and span."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl

from triage_lab.replay.synthetic.frames import money
from triage_lab.replay.synthetic.parameters import TIERS
from triage_lab.replay.synthetic.streams import chance
from triage_lab.replay.synthetic.vendor.identity import Book, View
from triage_lab.replay.synthetic.vendor.revisions import newest, oldest

DRAFTED = 0.04  # share of contracts for which an unsigned renewal lies in a drawer
_WORDS = {"true": "Yes", "false": "No"}


def contract_tables(
    rng: np.random.Generator, desk: Mapping[str, pl.DataFrame], book: Book, view: View
) -> dict[str, pl.DataFrame]:
    """Return record and record_property.

    Parameters
    ----------
    rng : numpy.random.Generator
        Stream of the system.
    desk : mapping of str to polars.DataFrame
        Canonical tables.
    book, view
        All customers, and those of the repository, which knows them by the CRM's id or by name only.
    """
    versions = _known(desk["contracts"], book, view)
    parts = [_signed(versions), _amended(versions), _drafts(rng, versions), _strangers(book, view)]
    return {
        "record": pl.concat(parts, how="diagonal").sort("id"),
        "record_property": _properties(desk["contract_clauses"], versions),
    }


def _known(contracts: pl.DataFrame, book: Book, view: View) -> pl.DataFrame:
    """Versions of contracts with what the repository knows of the other side."""
    first = view.rows.select(
        "number", counterparty_name="name", counterparty_domain="domain", salesforce_account_id="external_id"
    )
    numbered = contracts.with_columns(number=book.numbers_of(contracts["account_id"]))
    rows = numbered.join(first, on="number", how="left", maintain_order="left")
    return rows.with_columns(
        notice=pl.col("notice_days").cast(pl.String) + " days", contract_value=money(rows["value_minor"].to_numpy())
    )


def _record_id(suffix: str = "") -> pl.Expr:
    """Ids of records."""
    return pl.lit("IC-") + pl.col("contract_id").str.replace_all(r"\D", "") + suffix


_OTHER_SIDE = ("counterparty_name", "counterparty_domain", "salesforce_account_id")


def _signed(versions: pl.DataFrame) -> pl.DataFrame:
    """Contracts as they were signed; those that ran out say so today."""
    now = newest(versions, "contract_id").select("contract_id", state="status")
    rows = oldest(versions, "contract_id").join(now, on="contract_id", maintain_order="left")
    return rows.select(
        *_OTHER_SIDE,
        "contract_value",
        "currency",
        "auto_renew",
        id=_record_id(),
        name=pl.lit("Subscription Agreement ") + pl.col("contract_id"),
        type=pl.lit("Subscription Agreement"),
        status=pl.when(pl.col("state") == "ended").then(pl.lit("expired")).otherwise(pl.lit("signed")),
        signed_at="valid_from",
        effective_date="starts_on",
        expiration_date="ends_on",
        notice_period="notice",
        contract_tier="tier",
    )


def _amended(versions: pl.DataFrame) -> pl.DataFrame:
    """Amendments: what changed while the contract ran."""
    rows = versions.sort("contract_id", "valid_from").with_columns(
        before=pl.col("tier").shift(1).over("contract_id"), turn=pl.int_range(pl.len()).over("contract_id")
    )
    rows = rows.filter((pl.col("turn") > 0) & (pl.col("tier") != pl.col("before")))
    return rows.select(
        *_OTHER_SIDE,
        id=_record_id("-A"),
        name=pl.lit("Amendment to ") + pl.col("contract_id"),
        type=pl.lit("Amendment"),
        status=pl.lit("signed"),
        signed_at="valid_from",
        effective_date=pl.col("valid_from").dt.date(),
        notice_period="notice",
        contract_tier="tier",
        amends_id=_record_id(),
    )


def _drafts(rng: np.random.Generator, versions: pl.DataFrame) -> pl.DataFrame:
    """Renewals that nobody has signed, with a better tier than is in force."""
    rows = newest(versions, "contract_id")
    rows = rows.filter(pl.Series(chance(rng, DRAFTED, len(rows))))
    return rows.select(
        *_OTHER_SIDE,
        "contract_value",
        "currency",
        "auto_renew",
        id=_record_id("-D"),
        name=pl.lit("Draft renewal of ") + pl.col("contract_id"),
        type=pl.lit("Subscription Agreement"),
        status=pl.lit("draft"),
        effective_date="starts_on",
        expiration_date=pl.col("ends_on").dt.offset_by("1y"),
        notice_period="notice",
        contract_tier=pl.lit(TIERS[-1]),
    )


def _strangers(book: Book, view: View) -> pl.DataFrame:
    """Contracts of customers whom no other system knows."""
    people = book.people.select("number", "home", "opened_at")
    rows = view.rows.join(people, on="number", maintain_order="left").filter(pl.col("home").is_not_null())
    day = pl.col("opened_at").dt.date()
    return rows.select(
        counterparty_name="name",
        counterparty_domain="domain",
        salesforce_account_id="external_id",
        id=pl.lit("IC-X") + pl.col("number").cast(pl.String),
        name=pl.lit("Reseller Agreement"),
        type=pl.lit("Reseller Agreement"),
        status=pl.lit("signed"),
        signed_at="opened_at",
        effective_date=day,
        expiration_date=day.dt.offset_by("5y"),
        currency=pl.lit("EUR"),
        contract_tier=pl.lit(TIERS[0]),
    )


def _properties(clauses: pl.DataFrame, versions: pl.DataFrame) -> pl.DataFrame:
    """Clauses over time; the last day of a span that ends with its contract is written as a day."""
    ends = versions.select("contract_id", last_day="ends_on").unique("contract_id")
    rows = clauses.join(ends, on="contract_id", how="left", maintain_order="left")
    over = pl.col("valid_to") == pl.col("last_day").dt.offset_by("1d").cast(pl.Datetime("us"))
    until = (
        pl.when(over)
        .then(pl.col("last_day").cast(pl.String))
        .otherwise(pl.col("valid_to").dt.strftime("%Y-%m-%dT%H:%M:%SZ"))
    )
    return rows.select(
        record_id=_record_id(),
        name=pl.col("clause_key").str.replace_all("_", " ", literal=True).str.to_titlecase(),
        value=pl.col("value").replace(_WORDS),
        unit="unit",
        extracted_by="extracted_by",
        confidence="confidence",
        effective_from="valid_from",
        effective_to=until,
    )
