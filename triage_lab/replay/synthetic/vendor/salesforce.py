"""The CRM's export under API names: accounts, opportunities and contracts, each with its history of field changes."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl

from triage_lab.replay.synthetic.frames import money, words
from triage_lab.replay.synthetic.parameters import REGIONS, TIERS
from triage_lab.replay.synthetic.vendor.identity import NOBODY, Book, View
from triage_lab.replay.synthetic.vendor.ids import salesforce_ids
from triage_lab.replay.synthetic.vendor.lookup_fields import (
    OWNERS,
    owner_changes,
    owner_ids,
    owner_names,
    parent_changes,
)
from triage_lab.replay.synthetic.vendor.revisions import began, changes, corrections, newest, oldest

STAGES = {"proposal": "Proposal", "negotiation": "Negotiation", "lost": "Closed Lost", "won": "Closed Won"}
KINDS = {"new": "New Business", "expansion": "Expansion", "renewal": "Renewal"}
STATUSES = {"active": "Activated", "ended": "Expired", "draft": "Draft"}
CUT = 255  # characters that a history row keeps of a value
_INDUSTRIES = ("Manufacturing", "Retail", "Healthcare", "Media", "Transportation", "Education")
_COUNTRIES = ("Germany", "United States", "Singapore")
_NOTE = (
    "Met at a trade fair; the buying centre is spread over three sites, invoices go to head office, changes of scope "
    "are agreed with the purchasing department first. Renewal talks start a quarter early. Prefers a call to a mail, "
    "and a summary in writing afterwards. Reference customer for the region."
)


def salesforce_tables(
    rng: np.random.Generator, desk: Mapping[str, pl.DataFrame], book: Book, view: View
) -> dict[str, pl.DataFrame]:
    """Return the objects of the export.

    Parameters
    ----------
    rng : numpy.random.Generator
        Stream of the system.
    desk : mapping of str to polars.DataFrame
        Canonical tables.
    book, view
        All customers, and those of the CRM.

    Returns
    -------
    dict of str to polars.DataFrame
        Account, AccountHistory, Opportunity, OpportunityFieldHistory, Contract, ContractHistory and User.
    """
    accounts = _accounts(desk["accounts"], book, view)
    contracts = _with_account(desk["contracts"], book, view, "contract_id", "800")
    flags = _legal_versions(desk["contract_clauses"], contracts)
    deals = _with_account(desk["opportunities"], book, view, "opportunity_id", "006")
    told = {
        "Account": _account_changes(rng, _dated(desk["accounts"], book, view), accounts),
        "Opportunity": _deal_changes(rng, deals),
        "Contract": _contract_changes(rng, contracts, flags),
    }
    made = {
        "Account": accounts.select("Id", at="CreatedDate"),
        "Opportunity": began(deals, "Id").rename({"began": "at"}),
        "Contract": began(contracts, "Id").rename({"began": "at"}),
    }
    states = {"Account": accounts, "Opportunity": _opportunities(deals), "Contract": _contracts(contracts, flags)}
    tables = {name: _modified(state, told[name], made[name]) for name, state in states.items()}
    tables["AccountHistory"] = _history(told["Account"], "AccountId", "017", made["Account"])
    tables["OpportunityFieldHistory"] = _history(told["Opportunity"], "OpportunityId", "01K", made["Opportunity"])
    tables["ContractHistory"] = _history(told["Contract"], "ContractId", "01C", made["Contract"])
    return tables | {"User": _users()}


def _dated(versions: pl.DataFrame, book: Book, view: View) -> pl.DataFrame:
    """Versions of accounts with the CRM's Id."""
    return versions.with_columns(Id=view.id_of(book.numbers_of(versions["account_id"])))


def _accounts(versions: pl.DataFrame, book: Book, view: View) -> pl.DataFrame:
    """Accounts as of the export; a customer that only the CRM knows is a prospect."""
    known = newest(versions, "account_id").select("account_id", "tier", "timezone", "churn_risk")
    rows = view.rows.join(book.people.drop("name", "domain"), on="number", maintain_order="left")
    rows = rows.join(known, on="account_id", how="left", maintain_order="left")
    number, parents = rows["number"].to_numpy(), rows["parent"].to_numpy()
    prefix = words(("https://www.", "http://", "www.", ""), number % 4)
    return rows.select(
        Id="source_id",
        IsDeleted=pl.lit(value=False),
        Name="name",
        Type=pl.when(pl.col("home").is_null()).then(pl.lit("Customer")).otherwise(pl.lit("Prospect")),
        ParentId=pl.when(pl.Series(parents != NOBODY)).then(salesforce_ids("001", np.maximum(parents, 0))),
        Industry=words(_INDUSTRIES, number % len(_INDUSTRIES)),
        BillingCountry=words(_COUNTRIES, rows["region"].to_numpy()),
        Website=prefix + pl.col("domain"),
        AccountNumber=pl.lit("AC-") + (pl.col("number") + 10_000).cast(pl.String),
        OwnerId=owner_ids(number),
        CreatedDate="opened_at",
        Tier__c="tier",
        Region__c=words(REGIONS, rows["region"].to_numpy()),
        Time_Zone__c="timezone",
        Churn_Risk__c="churn_risk",
        Description=pl.when(pl.Series(number % 50 == 7)).then(pl.lit(_NOTE)),
    )


def _users() -> pl.DataFrame:
    """Account owners."""
    number = np.arange(OWNERS)
    name = owner_names(number)
    return pl.DataFrame(
        {
            "Id": owner_ids(number),
            "Name": name,
            "Email": name.str.to_lowercase().str.replace(" ", ".", literal=True) + "@desk.example",
            "UserType": pl.Series(["Standard"]).new_from_index(0, OWNERS),
            "IsActive": pl.Series([True]).new_from_index(0, OWNERS),
        }
    )


def _with_account(versions: pl.DataFrame, book: Book, view: View, key: str, prefix: str) -> pl.DataFrame:
    """Versions with the CRM's ids of the object (Id) and of its account (AccountId)."""
    names = versions[key].unique().sort()
    ids = pl.DataFrame({key: names, "Id": salesforce_ids(prefix, np.arange(len(names)))})
    owner = view.id_of(book.numbers_of(versions["account_id"]))
    return versions.with_columns(AccountId=owner).join(ids, on=key, maintain_order="left")


def _next_word(column: str, vocabulary: tuple[str, ...]) -> pl.Expr:
    """Another word of the vocabulary."""
    others = dict(zip(vocabulary, (*vocabulary[1:], vocabulary[0]), strict=True))
    return pl.col(column).replace_strict(others, default=None, return_dtype=pl.String)


def _account_changes(rng: np.random.Generator, versions: pl.DataFrame, accounts: pl.DataFrame) -> pl.DataFrame:
    """Changes of tier and churn risk, slips, owners and parents (written twice each), and long texts, cut."""
    risk = pl.col("churn_risk").cast(pl.String)
    slips = {
        "Tier__c": (_next_word("tier", TIERS), pl.col("tier")),
        "Region__c": (_next_word("region", REGIONS), pl.col("region")),
        "Time_Zone__c": (pl.lit("UTC"), pl.col("timezone")),
        "Churn_Risk__c": ((pl.col("churn_risk") / 2).round(2).cast(pl.String), risk),
    }
    noted = accounts.filter(pl.col("Description").is_not_null())
    long = noted.select(
        "Id",
        at=pl.col("CreatedDate"),
        field=pl.lit("Description"),
        old=pl.lit(None, dtype=pl.String),
        new=pl.col("Description").str.slice(0, CUT),
    )
    return pl.concat(
        [
            changes(versions, "Id", {"Tier__c": pl.col("tier"), "Churn_Risk__c": risk}),
            corrections(rng, oldest(versions, "Id"), "Id", slips),
            owner_changes(rng, accounts),
            parent_changes(accounts),
            long,
        ]
    )


def _history(told: pl.DataFrame, parent: str, prefix: str, created: pl.DataFrame) -> pl.DataFrame:
    """History rows, the newest first as the API gives them; an object's first row says that it was created."""
    empty = pl.lit(None, dtype=pl.String)
    first = created.select("Id", "at", field=pl.lit("created"), old=empty, new=empty)
    rows = pl.concat([first, told.select("Id", "at", "field", "old", "new")])
    rows = rows.sort("at", "Id", "field", "new", descending=True, maintain_order=True)
    return rows.select(
        Id=salesforce_ids(prefix, np.arange(len(rows))[::-1]),
        IsDeleted=pl.lit(value=False),
        **{parent: pl.col("Id")},
        CreatedById=owner_ids(np.arange(len(rows))),
        CreatedDate="at",
        Field="field",
        OldValue="old",
        NewValue="new",
    )


def _modified(state: pl.DataFrame, told: pl.DataFrame, made: pl.DataFrame) -> pl.DataFrame:
    """The records with the time of their last change."""
    last = pl.concat([made.select("Id", "at"), told.select("Id", "at")]).group_by("Id").agg(at=pl.col("at").max())
    rows = state.join(last, on="Id", how="left", maintain_order="left")
    return rows.with_columns(LastModifiedDate="at", SystemModstamp="at").drop("at")


def _deal_changes(rng: np.random.Generator, deals: pl.DataFrame) -> pl.DataFrame:
    """Changes of stage and amount, and slips in the expected close."""
    stage = pl.col("stage").replace_strict(STAGES, return_dtype=pl.String)
    priced = deals.with_columns(amount=money(deals["amount_minor"].to_numpy()))
    close = pl.col("close_date")
    slips = {"CloseDate": (close.dt.offset_by("30d").cast(pl.String), close.cast(pl.String))}
    return pl.concat(
        [
            changes(priced, "Id", {"StageName": stage, "Amount": pl.col("amount")}),
            corrections(rng, oldest(priced, "Id"), "Id", slips),
        ]
    )


def _opportunities(deals: pl.DataFrame) -> pl.DataFrame:
    """Opportunities as of the export."""
    rows = newest(deals, "Id").join(began(deals, "Id"), on="Id", maintain_order="left")
    chances = {"proposal": 40, "negotiation": 70, "lost": 0, "won": 100}
    return rows.select(
        "Id",
        "AccountId",
        IsDeleted=pl.lit(value=False),
        Name=pl.lit("Deal ") + pl.col("opportunity_id"),
        Type=pl.col("kind").replace_strict(KINDS, return_dtype=pl.String),
        StageName=pl.col("stage").replace_strict(STAGES, return_dtype=pl.String),
        Amount=money(rows["amount_minor"].to_numpy()),
        CurrencyIsoCode="currency",
        Probability=pl.col("stage").replace_strict(chances, return_dtype=pl.Int64),
        CloseDate="close_date",
        IsClosed="is_closed",
        IsWon="is_won",
        CreatedDate="began",
    )


def _contract_changes(rng: np.random.Generator, contracts: pl.DataFrame, flags: pl.DataFrame) -> pl.DataFrame:
    """Changes of status, tier, notice and legal flag; slips in first contracts (a successor copies what is right)."""
    status = pl.col("status").replace_strict(STATUSES, return_dtype=pl.String)
    notice = pl.col("notice_days").cast(pl.String)
    first = oldest(contracts.filter(pl.col("contract_id").str.ends_with("-1")), "Id")
    first = first.with_columns(value=money(first["value_minor"].to_numpy()))
    start, end, renews = pl.col("starts_on"), pl.col("ends_on"), pl.col("auto_renew")
    slips = {
        "Tier__c": (_next_word("tier", TIERS), pl.col("tier")),
        "StartDate": (start.dt.offset_by("-1d").cast(pl.String), start.cast(pl.String)),
        "EndDate": (end.dt.offset_by("-1y").cast(pl.String), end.cast(pl.String)),
        "Auto_Renew__c": (renews.not_().cast(pl.String), renews.cast(pl.String)),
        "Notice_Days__c": (pl.lit("14"), notice),
        "Total_Value__c": (pl.lit("0.00"), pl.col("value")),
    }
    signed = oldest(flags, "Id").join(first.select("Id"), on="Id", how="semi", maintain_order="left")
    flag = pl.col("value")
    flag_slips = {"Legal_Flag__c": (pl.when(flag == "true").then(pl.lit("false")).otherwise(pl.lit("true")), flag)}
    return pl.concat(
        [
            changes(contracts, "Id", {"Status": status, "Tier__c": pl.col("tier"), "Notice_Days__c": notice}),
            changes(flags, "Id", {"Legal_Flag__c": flag}),
            corrections(rng, first, "Id", slips),
            corrections(rng, signed, "Id", flag_slips),
        ]
    )


def _legal_versions(clauses: pl.DataFrame, contracts: pl.DataFrame) -> pl.DataFrame:
    """The legal flag of every contract over time: Id, valid_from, value.

    A contract that was renewed hands its clauses to its successor; a check box cannot be empty, so it is cleared.
    """
    flags = clauses.filter(pl.col("clause_key") == "legal_flag")
    flags = flags.join(contracts.select("contract_id", "Id").unique(), on="contract_id", maintain_order="left")
    last = newest(flags, "contract_id").filter(pl.col("valid_to").is_not_null())
    cleared = last.select("Id", valid_from="valid_to", value=pl.lit("false"))
    return pl.concat([flags.select("Id", "valid_from", "value"), cleared]).sort("Id", "valid_from")


def _contracts(contracts: pl.DataFrame, flags: pl.DataFrame) -> pl.DataFrame:
    """Contracts as of the export."""
    rows = newest(contracts, "Id").join(began(contracts, "Id"), on="Id", maintain_order="left")
    flag = newest(flags, "Id").select("Id", flag=pl.col("value") == "true")
    rows = rows.join(flag, on="Id", how="left", maintain_order="left")
    months = ((pl.col("ends_on") - pl.col("starts_on")).dt.total_days() + 1) // 30
    return rows.select(
        "Id",
        "AccountId",
        IsDeleted=pl.lit(value=False),
        ContractNumber=pl.col("contract_id").str.replace_all(r"\D", ""),
        Status=pl.col("status").replace_strict(STATUSES, return_dtype=pl.String),
        StartDate="starts_on",
        EndDate="ends_on",
        ContractTerm=months,
        CurrencyIsoCode="currency",
        Tier__c="tier",
        Legal_Flag__c="flag",
        Auto_Renew__c="auto_renew",
        Notice_Days__c="notice_days",
        Total_Value__c=money(rows["value_minor"].to_numpy()),
        ActivatedDate="began",
        CreatedDate="began",
    )
