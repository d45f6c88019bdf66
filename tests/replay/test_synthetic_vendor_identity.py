"""Customers in several systems: planted spellings, hard cases, and the truth about who is who."""

from __future__ import annotations

import json
import re
from pathlib import Path

import polars as pl
import pytest
from synthetic_desks import desk_of
from vendor_desks import SEED, TICKETS, as_texts, exported

from triage_lab.replay.synthetic import SHAPES
from triage_lab.replay.synthetic.vendor.identity import FREE_MAIL
from triage_lab.replay.synthetic.vendor.names import legal_names, spelled

OWN_ID = {"zendesk": ("organization", "id"), "salesforce": ("Account", "Id"), "stripe": ("customer", "id")}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return exported(tmp_path_factory)


@pytest.fixture(scope="module")
def links(folder: Path) -> pl.DataFrame:
    return as_texts(folder / "truth" / "account_links.csv")


def test_the_truth_names_every_identity_once(folder: Path, links: pl.DataFrame) -> None:
    assert links.select("source", "source_id").is_duplicated().sum() == 0
    for system, (table, column) in OWN_ID.items():
        ids = as_texts(folder / system / f"{table}.csv")[column]
        assert sorted(ids) == sorted(links.filter(pl.col("source") == system)["source_id"]), system
    records = as_texts(folder / "contracts" / "record.csv")
    filed = pl.coalesce("salesforce_account_id", "counterparty_name")
    ids = records.select(filed).to_series().unique()
    assert sorted(ids) == sorted(links.filter(pl.col("source") == "contracts")["source_id"])
    assert set(links["how_findable"]) == {"exact", "domain", "name", "not"}


def test_every_account_of_the_desk_is_in_every_system(links: pl.DataFrame) -> None:
    accounts = set(desk_of(TICKETS, SEED).tables["accounts"]["account_id"])
    for system in SHAPES:
        own = links.filter(pl.col("source") == system)
        assert accounts <= set(own["account_id"])
        strange = own.filter(~pl.col("account_id").is_in(list(accounts)))
        assert len(strange) == max(2, len(accounts) // 50)
        assert set(strange["how_findable"]) == {"not"}
        assert strange["account_id"].str.starts_with(f"X-{system}-").all()


def test_some_customers_have_two_rows_in_billing(folder: Path, links: pl.DataFrame) -> None:
    billing = links.filter(pl.col("source") == "stripe")
    twice = billing.filter(pl.col("account_id").is_duplicated())
    assert len(twice) > 0
    payers = as_texts(folder / "stripe" / "subscription.csv")["customer_id"]
    assert set(twice["source_id"]) <= set(payers)


def test_how_findable_says_what_the_rows_hold(folder: Path, links: pl.DataFrame) -> None:
    crm = as_texts(folder / "salesforce" / "Account.csv").select(Id="Id", site="Website")
    account = links.filter(pl.col("source") == "salesforce").select("account_id", Id="source_id")
    helpdesk = as_texts(folder / "zendesk" / "organization.csv")
    told = (
        helpdesk.join(links.filter(pl.col("source") == "zendesk"), left_on="id", right_on="source_id")
        .join(account, on="account_id", how="left")
        .join(crm, on="Id", how="left")
    )
    exact = told.filter(pl.col("how_findable") == "exact")
    assert (exact["Id"].str.starts_with(exact["external_id"])).all()
    lengths = exact["external_id"].str.len_chars()
    assert set(lengths) == {15, 18}
    assert 0.1 < (lengths == 15).mean() < 0.4
    others = told.filter(pl.col("how_findable") != "exact")
    assert others["external_id"].is_null().all()
    assert 0.4 < len(exact) / len(told) < 0.6
    by_domain = told.filter(pl.col("how_findable") == "domain")
    hosts = by_domain["domain_names"].map_elements(lambda text: json.loads(text)[0], return_dtype=pl.String)
    assert by_domain["site"].str.ends_with(hosts).all()
    assert hosts.n_unique() == len(hosts)


def test_domains_are_missing_or_free_mail_for_some(folder: Path) -> None:
    domains = as_texts(folder / "zendesk" / "organization.csv")["domain_names"]
    hosts = domains.str.json_decode(pl.List(pl.String)).list.first()
    assert 0.03 < hosts.is_null().mean() < 0.2
    assert 0 < hosts.is_in(list(FREE_MAIL)).sum() < 0.12 * len(hosts)
    mails = as_texts(folder / "stripe" / "customer.csv")["email"]
    assert 0.03 < mails.is_null().mean() < 0.25


def test_hard_cases_are_there(folder: Path) -> None:
    crm = as_texts(folder / "salesforce" / "Account.csv")
    children = crm.filter(pl.col("ParentId").is_not_null())
    families = children.join(crm.select(ParentId="Id", parent="Name", above="Website"), on="ParentId")
    assert len(families) == max(1, 250 // 80)
    host = r"([a-z0-9-]+\.example)$"
    both = families.filter(pl.col("Website").is_not_null() & pl.col("above").is_not_null())
    assert (both["Website"].str.extract(host) == both["above"].str.extract(host)).all()
    plain = crm["Name"].str.replace(r",? (GmbH|Ltd|B\.V\.|S\.A\.|Inc\.|LLC|Corp\.|Pte\. Ltd\.|Pty Ltd)$", "")
    assert plain.n_unique() == len(plain), "all customers have a name of their own"
    first_word = {name: re.split(r"\W", name)[0] for name in plain}
    near = [
        (a, b) for a in plain for b in plain if a < b and first_word[a][:5] == first_word[b][:5]
        and b.startswith(a[:-2]) and abs(len(a) - len(b)) <= 4
    ]  # fmt: skip
    assert near, "two customers are called nearly the same"


def test_names_have_no_numbers_and_stay_apart_at_any_size() -> None:
    count = 166_667
    words = pl.Series([f"{a} {b}" for a in "ABCDEFGHIJKLMNOPQRSTUVWX" for b in "abcdefghijklmnopqrstuv"])
    serial = pl.Series(range(count)) // len(words)
    base = words.gather(pl.Series(range(count)) % len(words))
    frame = pl.DataFrame({"base": base, "serial": serial})
    desk = frame.select(
        pl.when(pl.col("serial") == 0).then("base").otherwise(pl.format("{} {}", "base", pl.col("serial") + 1))
    ).to_series()
    names = legal_names(desk, pl.Series([0.5]).new_from_index(0, count).to_numpy())
    assert names.n_unique() == count
    assert not names.str.contains(r"\d").any()


@pytest.mark.parametrize(
    ("style", "told"),
    [
        (0, "Harbor Logistics & Sons"),
        (1, "Harbor Logistics & Sons GmbH"),
        (2, "Harbor Logistics & Sons, GmbH"),
        (3, "HARBOR LOGISTICS & SONS GMBH"),
        (4, "harbor logistics & sons"),
        (5, "Harbor-Logistics & Sons  GmbH "),
        (6, "Harbor Logistics and Sons"),
        (7, "Harbor Logist. & Sons"),
        (8, "Habror Logistics & Sons"),
    ],
)
def test_spellings(style: int, told: str) -> None:
    name, form = pl.Series(["Harbor Logistics & Sons"]), pl.Series(["GmbH"])
    codes, letter = pl.Series([style]).to_numpy(), pl.Series([1]).to_numpy()
    assert spelled(name, codes, form, letter).to_list() == [told]
