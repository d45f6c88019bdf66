"""What customers pay, contest and get back: invoices, charges, disputes, refunds and credit notes."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl

from triage_lab.replay.synthetic.parameters import DAY
from triage_lab.replay.synthetic.vendor.identity import Book, View
from triage_lab.replay.synthetic.vendor.ids import stripe_ids
from triage_lab.replay.synthetic.vendor.zendesk import ticket_ids

_EARLIER = 30 * DAY  # a payment that no invoice explains came in so long before its refund


def payment_tables(
    desk: Mapping[str, pl.DataFrame], book: Book, view: View, terms: pl.DataFrame
) -> dict[str, pl.DataFrame]:
    """Return invoice, charge, dispute, event (of disputes closed), refund and credit_note.

    Parameters
    ----------
    desk : mapping of str to polars.DataFrame
        Canonical tables.
    book, view
        All customers, and those of the billing system.
    terms : polars.DataFrame
        One row per subscription: account_id, subscription_id, kind, started_at.
    """
    bills = _bills(desk["invoices"], book, view, terms)
    paid = _charges_of(bills)
    backed, loose = _refunds(desk["refunds"], paid, book, view)
    return {
        "invoice": _invoices(bills),
        "charge": _charges(pl.concat([paid, loose]), backed),
        "dispute": _disputes(paid),
        "event": _closings(paid),
        "refund": backed.select(
            "id", "charge_id", "currency", "metadata", amount="amount_minor", created="issued_at",
            reason=pl.lit("requested_by_customer"), status=pl.lit("succeeded"),
        ),
        "credit_note": _credit_notes(desk["credits"], bills),
    }  # fmt: skip


def _bills(invoices: pl.DataFrame, book: Book, view: View, terms: pl.DataFrame) -> pl.DataFrame:
    """Invoices with the billing system's ids, and the main subscription that they bill."""
    main = terms.filter(pl.col("kind") == "1").select("account_id", "subscription_id", issued_at="started_at")
    rows = invoices.with_columns(
        id=stripe_ids("in_", np.arange(len(invoices))), customer_id=view.id_of(book.numbers_of(invoices["account_id"]))
    ).with_row_index("place")
    joined = rows.sort("issued_at", "place").join_asof(
        main.sort("issued_at", "subscription_id"),
        on="issued_at",
        by="account_id",
        strategy="backward",
        check_sortedness=False,
    )
    return joined.sort("place").drop("place").with_columns(currency=pl.col("currency").str.to_lowercase())


def _invoices(bills: pl.DataFrame) -> pl.DataFrame:
    """Invoices as of the export."""
    paid = pl.col("paid_at").is_not_null()
    zero = pl.lit(0, dtype=pl.Int64)
    return bills.select(
        "id",
        "customer_id",
        "subscription_id",
        "currency",
        number=pl.col("invoice_id"),
        status=pl.when(paid).then(pl.lit("paid")).otherwise(pl.lit("open")),
        billing_reason=pl.lit("subscription_cycle"),
        created="issued_at",
        status_transitions_finalized_at="issued_at",
        status_transitions_paid_at="paid_at",
        due_date="due_at",
        period_start=pl.col("issued_at").dt.offset_by("-1mo"),
        period_end="issued_at",
        subtotal="total_minor",
        total="total_minor",
        amount_due="total_minor",
        amount_paid=pl.when(paid).then("total_minor").otherwise(zero),
        amount_remaining=pl.when(paid).then(zero).otherwise("total_minor"),
        paid=paid,
        auto_advance=pl.lit(False),
        attempt_count=paid.cast(pl.Int64),
        livemode=pl.lit(True),
        is_deleted=pl.lit(False),
        metadata=pl.lit("{}"),
    )


def _charges_of(bills: pl.DataFrame) -> pl.DataFrame:
    """Charges of invoices: a debit that was contested before it settled, and the payment that settles the invoice."""
    columns = (
        "account_id",
        "customer_id",
        "currency",
        "amount",
        "created",
        "status",
        "invoice_id",
        "disputed_at",
        "dispute_closed_at",
    )
    nothing = pl.lit(None, dtype=pl.Datetime("us"))
    told = bills.drop("invoice_id", "status").rename({"id": "invoice_id", "total_minor": "amount"})
    contested = told.filter(pl.col("disputed_at").is_not_null()).with_columns(
        created=pl.col("issued_at") + (pl.col("disputed_at") - pl.col("issued_at")) / 2, status=pl.lit("pending")
    )
    settled = told.filter(pl.col("paid_at").is_not_null()).with_columns(
        created="paid_at", status=pl.lit("succeeded"), disputed_at=nothing, dispute_closed_at=nothing
    )
    rows = pl.concat([part.select(columns) for part in (contested, settled)])
    rows = rows.with_columns(pl.col("created").dt.truncate("1s")).sort("invoice_id", "created")
    return rows.with_columns(id=stripe_ids("ch_", np.arange(len(rows))))


def _refunds(refunds: pl.DataFrame, paid: pl.DataFrame, book: Book, view: View) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Refunds with the payment they come from, and payments made up for those that no invoice explains."""
    rows = refunds.with_row_index("place").with_columns(
        currency=pl.col("currency").str.to_lowercase(), metadata=_references(refunds)
    )
    payments = paid.filter(pl.col("status") == "succeeded").select(
        "account_id", "currency", issued_at="created", charge_id="id", available="amount"
    )
    rows = rows.sort("issued_at", "place").join_asof(
        payments.sort("issued_at", "charge_id"),
        on="issued_at",
        by=["account_id", "currency"],
        strategy="backward",
        check_sortedness=False,
    )
    rows = rows.sort("place").drop("place")
    explained = (pl.col("available") >= pl.col("amount_minor")).fill_null(value=False) & pl.col(
        "charge_id"
    ).is_first_distinct()
    count = len(rows)
    made_up = stripe_ids("ch_", len(paid) + np.arange(count))
    rows = rows.with_columns(
        explained=explained,
        charge_id=pl.when(explained).then("charge_id").otherwise(made_up),
        id=stripe_ids("re_", np.arange(count)),
        customer_id=view.id_of(book.numbers_of(rows["account_id"])),
    )
    nothing = pl.lit(None, dtype=pl.Datetime("us"))
    loose = rows.filter(~pl.col("explained")).select(
        "account_id",
        "customer_id",
        "currency",
        amount="amount_minor",
        created=pl.col("issued_at") - pl.duration(seconds=_EARLIER),
        status=pl.lit("succeeded"),
        invoice_id=pl.lit(None, dtype=pl.String),
        disputed_at=nothing,
        dispute_closed_at=nothing,
        id="charge_id",
    )
    return rows, loose


def _references(payments: pl.DataFrame) -> pl.Series:
    """Metadata that name the ticket and the team."""
    frame = pl.DataFrame({"ticket": ticket_ids(payments["ticket_id"]), "team": payments["team_id"]})
    text = pl.concat_str(
        pl.lit('{"zendesk_ticket_id":"'), "ticket", pl.lit('","team":"'), "team", pl.lit('"}'), ignore_nulls=True
    )
    return frame.select(text.alias("metadata")).to_series()


def _charges(rows: pl.DataFrame, refunds: pl.DataFrame) -> pl.DataFrame:
    """Charges as of the export."""
    given = refunds.group_by("charge_id").agg(amount_refunded=pl.col("amount_minor").sum())
    rows = rows.join(given, left_on="id", right_on="charge_id", how="left", maintain_order="left")
    back = pl.col("amount_refunded").fill_null(0)
    return rows.select(
        "id",
        "customer_id",
        "invoice_id",
        "amount",
        "currency",
        "status",
        "created",
        amount_refunded=back,
        captured=pl.col("status") == "succeeded",
        paid=pl.col("status") == "succeeded",
        refunded=back >= pl.col("amount"),
        disputed=pl.col("disputed_at").is_not_null(),
        livemode=pl.lit(True),
        metadata=pl.lit("{}"),
    )


def _disputes(paid: pl.DataFrame) -> pl.DataFrame:
    """Disputes of debits; one that is over was lost, and the customer paid in another way."""
    rows = _contested(paid)
    over = pl.col("dispute_closed_at").is_not_null()
    return rows.select(
        "amount",
        "currency",
        id="dispute_id",
        charge_id="id",
        reason=pl.lit("general"),
        status=pl.when(over).then(pl.lit("lost")).otherwise(pl.lit("under_review")),
        created="disputed_at",
        is_charge_refundable=pl.lit(False),
        livemode=pl.lit(True),
        metadata=pl.lit("{}"),
    )


def _contested(paid: pl.DataFrame) -> pl.DataFrame:
    """Charges that are disputed, with the dispute's id."""
    rows = paid.filter(pl.col("disputed_at").is_not_null())
    return rows.with_columns(dispute_id=stripe_ids("dp_", np.arange(len(rows))))


def _closings(paid: pl.DataFrame) -> pl.DataFrame:
    """Events of disputes that are over: only they say when."""
    rows = _contested(paid).filter(pl.col("dispute_closed_at").is_not_null())
    data = pl.concat_str(
        pl.lit('{"object":{"id":"'), "dispute_id", pl.lit('","object":"dispute","charge":"'), "id",
        pl.lit('","status":"lost"}}'),
    )  # fmt: skip
    return rows.select(
        id=stripe_ids("evt_", np.arange(len(rows))),
        type=pl.lit("charge.dispute.closed"),
        created="dispute_closed_at",
        data=data,
        livemode=pl.lit(True),
    )


def _credit_notes(credits: pl.DataFrame, bills: pl.DataFrame) -> pl.DataFrame:
    """Credit notes, each on the customer's last invoice (the first one, if all are later)."""
    invoices = bills.select("account_id", "customer_id", "id", issued_at="issued_at").sort("issued_at", "id")
    first = invoices.unique("account_id", keep="first", maintain_order=True)
    rows = credits.with_row_index("place").with_columns(metadata=_references(credits))
    rows = rows.sort("issued_at", "place").join_asof(
        invoices, on="issued_at", by="account_id", strategy="backward", check_sortedness=False
    )
    rows = rows.join(first, on="account_id", how="left", maintain_order="left", suffix="_first").sort("place")
    rows = rows.with_columns(
        invoice_id=pl.coalesce("id", "id_first"), customer_id=pl.coalesce("customer_id", "customer_id_first")
    )
    return rows.select(
        "invoice_id",
        "customer_id",
        "metadata",
        id=stripe_ids("cn_", np.arange(len(rows))),
        number=pl.col("credit_id"),
        amount="amount_minor",
        subtotal="amount_minor",
        total="amount_minor",
        currency=pl.col("currency").str.to_lowercase(),
        created="issued_at",
        reason=pl.lit("product_unsatisfactory"),
        status=pl.lit("issued"),
        type=pl.lit("post_payment"),
        livemode=pl.lit(True),
    )
