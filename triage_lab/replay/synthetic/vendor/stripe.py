"""The billing system's export: customers, subscriptions with their prices and discounts, and what customers pay."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from triage_lab.replay.synthetic.streams import pick
from triage_lab.replay.synthetic.vendor.identity import Book, View
from triage_lab.replay.synthetic.vendor.ids import stripe_ids
from triage_lab.replay.synthetic.vendor.payments import payment_tables

FOREVER = "9999-12-31T23:59:59Z"


@dataclass(frozen=True, slots=True)
class Cadence:
    """How a monthly amount is billed: list price = amount · ``factor`` + ``off`` of a period, times its months.

    The amount is shared out over ``quantity`` units; ``percent_off`` or ``off`` (minor units a period) come off again.
    """

    interval: str = "month"
    count: int = 1
    quantity: int = 1
    numerator: int = 1
    denominator: int = 1
    percent_off: int = 0
    off: int = 0

    @property
    def months(self) -> int:
        """Months of a period."""
        return self.count * (12 if self.interval == "year" else 1)


# Amounts are whole units of currency, that is multiples of 100 minor units, so every division is exact.
CADENCES = (
    Cadence(),
    Cadence(quantity=5),
    Cadence(quantity=20),
    Cadence("year"),
    Cadence("year", quantity=10),
    Cadence(count=3),
    Cadence(numerator=5, denominator=4, percent_off=20),
    Cadence("year", numerator=2, percent_off=50),
    Cadence(off=1_000),
)
SHARES = (0.2, 0.16, 0.1, 0.2, 0.1, 0.08, 0.08, 0.04, 0.04)


def stripe_tables(
    rng: np.random.Generator, desk: Mapping[str, pl.DataFrame], book: Book, view: View
) -> dict[str, pl.DataFrame]:
    """Return the tables of the export.

    Parameters
    ----------
    rng : numpy.random.Generator
        Stream of the system.
    desk : mapping of str to polars.DataFrame
        Canonical tables.
    book, view
        All customers, and those of the billing system; add-ons of customers with two rows hang on the second.

    Returns
    -------
    dict of str to polars.DataFrame
        customer, subscription, subscription_history, subscription_item, price, product, coupon, discount, invoice,
        charge, dispute, event, refund and credit_note, under the names of Fivetran's tables.
    """
    terms = _terms(rng, desk["subscriptions"], book, view)
    history = _history(terms)
    return {
        "customer": _customers(book, view, desk["subscriptions"]),
        "subscription": _subscriptions(history),
        "subscription_history": history,
        "subscription_item": terms.select("id_item", "subscription_id", "price_id", "quantity", "started_at").rename(
            {"id_item": "id", "started_at": "created"}
        ),
        "price": _prices(terms),
        "product": _products(terms),
        "coupon": _coupons(terms),
        "discount": _discounts(terms),
        **payment_tables(desk, book, view, terms),
    }


def _terms(rng: np.random.Generator, versions: pl.DataFrame, book: Book, view: View) -> pl.DataFrame:
    """One row per subscription: a plan that was exchanged ends, and another one begins that instant."""
    active = versions.filter(pl.col("status") == "active").sort("subscription_id", "valid_from")
    active = active.with_columns(turn=pl.int_range(pl.len()).over("subscription_id"))
    number = book.numbers_of(active["account_id"])
    code = pick(rng, SHARES, len(active))
    amount = active["mrr_minor"].to_numpy()
    chosen = {
        name: np.array([getattr(cadence, name) for cadence in CADENCES])[code]
        for name in ("count", "quantity", "numerator", "denominator", "percent_off", "off", "months")
    }
    listed = amount * chosen["months"] * chosen["numerator"] // chosen["denominator"] + chosen["off"]
    serial = np.arange(len(active))
    return active.select(
        "account_id",
        "plan",
        "currency",
        "mrr_minor",
        subscription_id=stripe_ids("sub_", serial),
        id_item=stripe_ids("si_", serial),
        id_discount=stripe_ids("di_", serial),
        customer_id=_payer(active, number, view),
        started_at="valid_from",
        ended_at="valid_to",
        quantity=chosen["quantity"],
        unit_amount=listed // chosen["quantity"],
        interval=pl.Series([cadence.interval for cadence in CADENCES]).gather(pl.Series(code.astype(np.uint32))),
        interval_count=chosen["count"],
        percent_off=chosen["percent_off"],
        amount_off=chosen["off"],
        kind=pl.col("subscription_id").str.slice(-1),
    ).with_columns(price_id=_price_ids())


def _payer(active: pl.DataFrame, number: np.ndarray, view: View) -> pl.Series:
    """The customer that pays: for add-ons the account's second one, if it has two."""
    second = view.rows.filter(pl.col("number").is_duplicated()).unique("number", keep="last", maintain_order=True)
    other = pl.DataFrame({"number": number}).join(second, on="number", how="left", maintain_order="left")["source_id"]
    addon = active["subscription_id"].str.ends_with("-2") & other.is_not_null()
    return other.zip_with(addon, view.id_of(number))


def _price_ids() -> pl.Expr:
    """One price for every plan, amount, interval and currency."""
    terms = pl.struct("plan", "unit_amount", "interval", "interval_count", "currency")
    return terms.rank("dense").map_batches(
        lambda rank: stripe_ids("price_", rank.to_numpy().astype(np.int64)), return_dtype=pl.String
    )


def _customers(book: Book, view: View, subscriptions: pl.DataFrame) -> pl.DataFrame:
    """Customers as of the export."""
    currency = subscriptions.unique("account_id", keep="first", maintain_order=True).select("account_id", "currency")
    people = book.people.select("number", "account_id", "opened_at")
    rows = view.rows.join(people, on="number", maintain_order="left")
    rows = rows.join(currency, on="account_id", how="left", maintain_order="left")
    known = pl.col("external_id").is_not_null()
    crm = pl.lit('{"salesforce_account_id":"') + pl.col("external_id") + pl.lit('"}')
    return rows.select(
        id="source_id",
        name="name",
        email=pl.lit("billing@") + pl.col("domain"),
        currency=pl.col("currency").fill_null("EUR").str.to_lowercase(),
        balance=pl.lit(0),
        delinquent=pl.lit(False),
        is_deleted=pl.lit(False),
        livemode=pl.lit(True),
        created="opened_at",
        metadata=pl.when(known).then(crm).otherwise(pl.lit("{}")),
    )


def _history(terms: pl.DataFrame) -> pl.DataFrame:
    """Subscriptions over time: active from their start on, cancelled from their end on."""
    ended = pl.col("ended_at").is_not_null()
    nothing = pl.lit(None, dtype=pl.Datetime("us"))
    running = terms.with_columns(
        _fivetran_start="started_at", _fivetran_end="ended_at", _fivetran_active=~ended, status=pl.lit("active"),
        canceled_at=nothing, closed_at=nothing,
    )  # fmt: skip
    gone = terms.filter(ended).with_columns(
        _fivetran_start="ended_at", _fivetran_end=nothing, _fivetran_active=pl.lit(True), status=pl.lit("canceled"),
        canceled_at="ended_at", closed_at="ended_at",
    )  # fmt: skip
    rows = pl.concat([running, gone]).sort("subscription_id", "_fivetran_start")
    stamp = pl.col("_fivetran_end").dt.strftime("%Y-%m-%dT%H:%M:%SZ").fill_null(FOREVER)
    return rows.select(
        "_fivetran_start",
        "_fivetran_active",
        "customer_id",
        "status",
        "canceled_at",
        id="subscription_id",
        _fivetran_end=stamp,
        ended_at="closed_at",
        created="started_at",
        start_date="started_at",
        billing_cycle_anchor="started_at",
        cancel_at_period_end=pl.lit(False),
        quantity="quantity",
        livemode=pl.lit(True),
        metadata=pl.lit("{}"),
    )


def _subscriptions(history: pl.DataFrame) -> pl.DataFrame:
    """Subscriptions as of the export."""
    return history.filter("_fivetran_active").select(pl.exclude("^_fivetran_.*$"))


def _prices(terms: pl.DataFrame) -> pl.DataFrame:
    """Prices, one row each."""
    rows = terms.sort("price_id", "started_at").unique("price_id", keep="first", maintain_order=True)
    return rows.select(
        id="price_id",
        active=pl.lit(True),
        billing_scheme=pl.lit("per_unit"),
        currency=pl.col("currency").str.to_lowercase(),
        nickname="plan",
        product_id=_product_id(),
        recurring_interval="interval",
        recurring_interval_count="interval_count",
        recurring_usage_type=pl.lit("licensed"),
        type=pl.lit("recurring"),
        unit_amount="unit_amount",
        unit_amount_decimal=pl.col("unit_amount").cast(pl.String),
        created="started_at",
        livemode=pl.lit(True),
        is_deleted=pl.lit(False),
    )


def _product_id() -> pl.Expr:
    """Products are called after the plan."""
    return pl.lit("prod_") + pl.col("plan").str.replace_all("-", "", literal=True)


def _products(terms: pl.DataFrame) -> pl.DataFrame:
    """Products, one per plan."""
    plans = terms.select("plan").unique().sort("plan")
    return plans.select(
        id=_product_id(), name="plan", active=pl.lit(True), livemode=pl.lit(True), type=pl.lit("service")
    )


def _coupon_id() -> pl.Expr:
    """Coupons are called after what they take off."""
    amount = (pl.col("amount_off") // 100).cast(pl.String) + pl.col("currency")
    return (
        pl.when(pl.col("percent_off") > 0)
        .then(pl.lit("OFF") + pl.col("percent_off").cast(pl.String) + "PCT")
        .when(pl.col("amount_off") > 0)
        .then(pl.lit("OFF") + amount)
    )


def _coupons(terms: pl.DataFrame) -> pl.DataFrame:
    """Coupons in use."""
    rows = terms.with_columns(coupon_id=_coupon_id()).filter(pl.col("coupon_id").is_not_null())
    rows = rows.sort("coupon_id").unique("coupon_id", keep="first", maintain_order=True)
    by_amount = pl.col("amount_off") > 0
    return rows.select(
        id="coupon_id",
        name="coupon_id",
        duration=pl.lit("forever"),
        percent_off=pl.when(~by_amount).then("percent_off"),
        amount_off=pl.when(by_amount).then("amount_off"),
        currency=pl.when(by_amount).then(pl.col("currency").str.to_lowercase()),
        valid=pl.lit(True),
        livemode=pl.lit(True),
    )


def _discounts(terms: pl.DataFrame) -> pl.DataFrame:
    """Discounts of subscriptions, for as long as these run."""
    rows = terms.with_columns(coupon_id=_coupon_id()).filter(pl.col("coupon_id").is_not_null())
    return rows.select(
        "customer_id",
        "coupon_id",
        "subscription_id",
        id="id_discount",
        type=pl.lit("subscription"),
        type_id="subscription_id",
        start="started_at",
        end="ended_at",
    )
