"""Stripe: every table from small hand-made exports, with the traps of billing data."""

# ruff: noqa: DTZ001 - stored times carry no zone

import csv
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from triage_lab.domain.errors import ExportError
from triage_lab.sources import Staged, read_mapping, stage_source
from triage_lab.sources.company_names import FREE_MAIL

SEEDS = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "fivetran_stripe_seeds"
Rows = list[dict[str, Any]]


def day(year: int, month: int, number: int, hour: int = 0) -> int:
    """Epoch seconds, as the API writes times."""
    return int(datetime(year, month, number, hour, tzinfo=UTC).timestamp())


def at(year: int, month: int, number: int, hour: int = 0) -> datetime:
    """A time as stored."""
    return datetime(year, month, number, hour)


def price(amount: Any, interval: str = "month", count: int = 1, **more: Any) -> dict[str, Any]:
    """A price object of the API."""
    recurring = {"interval": interval, "interval_count": count, "usage_type": more.pop("usage_type", "licensed")}
    return {
        "id": "price_1",
        "unit_amount": amount,
        "currency": "usd",
        "recurring": recurring,
        "billing_scheme": "per_unit",
        **more,
    }


def subscription(name: str, *items: tuple[dict[str, Any], int], **more: Any) -> dict[str, Any]:
    """A subscription object of the API."""
    data = [{"id": f"si_{i}", "price": each, "quantity": number} for i, (each, number) in enumerate(items)]
    return {
        "id": name, "object": "subscription", "customer": "cus_1", "status": "active", "currency": "usd", "livemode": True,
        "created": day(2026, 1, 1), "start_date": day(2026, 1, 1), "items": {"object": "list", "data": data},
        "cancel_at_period_end": False, "canceled_at": None, "ended_at": None, "pause_collection": None, "trial_end": None,
        "discounts": [], **more,
    }  # fmt: skip


def event(
    name: str, kind: str, created: int, thing: dict[str, Any], before: dict[str, Any] | None = None
) -> dict[str, Any]:
    """An event object of the API."""
    data = {"object": thing} | ({"previous_attributes": before} if before is not None else {})
    return {"id": name, "object": "event", "type": kind, "created": created, "livemode": True, "data": data}


def write(folder: Path, objects: Mapping[str, Rows]) -> list[Path]:
    """Write each object as JSON Lines, as a script around the API does."""
    files = []
    for name, rows in objects.items():
        file = folder / f"{name}.jsonl"
        file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        files.append(file)
    return files


def write_csv(folder: Path, name: str, text: str) -> Path:
    """Write a CSV whose cells are parted by blanks and bars."""
    lines = [[cell.strip() for cell in line.split("|")] for line in text.strip().splitlines()]
    file = folder / f"{name}.csv"
    with file.open("w", encoding="utf-8", newline="") as handle:
        csv.writer(handle).writerows(lines)
    return file


def load(con: Any, files: Any, **options: Any) -> Staged:
    return stage_source(
        con, files=files, source=read_mapping("stripe"), **{"timezone": None, "snapshot_at": None, **options}
    )


def table(con: Any, staged: Staged, name: str, columns: str) -> list[tuple[Any, ...]]:
    rows: list[tuple[Any, ...]] = con.execute(f"SELECT {columns} FROM {staged.tables[name]} ORDER BY row_no").fetchall()
    return rows


def said(staged: Staged, words: str) -> str:
    """The one notice with these words."""
    found = [notice for notice in staged.notices if words in notice]
    assert len(found) == 1, staged.notices
    return found[0]


def test_customers_become_accounts(con: Any, tmp_path: Path) -> None:
    rows: Rows = [
        {"id": "cus_2", "name": "Acme Inc", "email": "billing@ACME.com ", "created": day(2026, 1, 2), "livemode": True,
         "metadata": {"Zendesk Organization ID": "77", "salesforce_account_id": "001A", "note": "x"}, "address": {"country": "DE"}},
        {"id": "cus_1", "name": None, "description": "Jo Doe", "email": "jo@gmail.com", "created": day(2026, 1, 1), "livemode": True,
         "metadata": {}, "deleted": True},
        {"id": "cus_3", "email": None, "livemode": True},
    ]  # fmt: skip
    staged = load(con, write(tmp_path, {"customers": rows}))
    assert table(con, staged, "accounts", "account_id, name, domain, external_id, region, valid_from, valid_to") == [
        ("cus_1", "Jo Doe", None, None, None, at(2026, 1, 1), None),
        ("cus_2", "Acme Inc", "acme.com", "001A|77", "DE", at(2026, 1, 2), None),
        ("cus_3", None, None, None, None, None, None),
    ]
    assert "1 customers are deleted" in said(staged, "deleted")


def test_free_mail_hosts_are_those_of_account_linking(con: Any, tmp_path: Path) -> None:
    rows = [{"id": f"cus_{host}", "email": f"a@{host}"} for host in sorted(FREE_MAIL)]
    staged = load(con, write(tmp_path, {"customers": rows}))
    assert {domain for (domain,) in table(con, staged, "accounts", "domain")} == {None}


def test_one_row_from_the_start_without_history(con: Any, tmp_path: Path) -> None:
    staged = load(con, write(tmp_path, {"subscriptions": [subscription("sub_1", (price(2000, nickname="Pro"), 3))]}))
    columns = "subscription_id, account_id, plan, status, quantity, mrr_minor, currency, started_at, ended_at, valid_from, valid_to"
    assert table(con, staged, "subscriptions", columns) == [
        ("sub_1", "cus_1", "Pro", "active", 3, 6000, "USD", at(2026, 1, 1), None, at(2026, 1, 1), None)
    ]
    assert "1 of 1 subscriptions" in said(staged, "look-ahead risk")
    assert said(staged, "MRR definition").startswith("MRR definition: ")
    assert any(text.startswith("MRR = ") for text in read_mapping("stripe").assumptions)


def test_cancelled_at_period_end_is_active_until_it_ends(con: Any, tmp_path: Path) -> None:
    rows = [
        # asked to end, not ended yet: canceled_at is the time of the request
        subscription("sub_1", (price(1000), 1), cancel_at_period_end=True, canceled_at=day(2026, 2, 10), cancel_at=day(2026, 3, 1)),
        subscription(
            "sub_2", (price(1000), 1), status="canceled", cancel_at_period_end=True, canceled_at=day(2026, 2, 10),
            ended_at=day(2026, 3, 1),
        ),
        # no ended_at in the export: what must stand for it
        subscription("sub_3", (price(1000), 1), status="canceled", canceled_at=day(2026, 2, 10)),
        subscription(
            "sub_4", (price(1000), 1), status="canceled", canceled_at=day(2026, 2, 10), cancel_at_period_end=True,
            current_period_end=day(2026, 3, 5),
        ),
    ]  # fmt: skip
    staged = load(con, write(tmp_path, {"subscriptions": rows}))
    assert table(con, staged, "subscriptions", "subscription_id, status, ended_at, valid_from, valid_to") == [
        ("sub_1", "active", None, at(2026, 1, 1), None),
        ("sub_2", "active", None, at(2026, 1, 1), at(2026, 3, 1)),
        ("sub_2", "canceled", at(2026, 3, 1), at(2026, 3, 1), None),
        ("sub_3", "active", None, at(2026, 1, 1), at(2026, 2, 10)),
        ("sub_3", "canceled", at(2026, 2, 10), at(2026, 2, 10), None),
        ("sub_4", "active", None, at(2026, 1, 1), at(2026, 3, 5)),
        ("sub_4", "canceled", at(2026, 3, 5), at(2026, 3, 5), None),
    ]


def test_trials_pauses_and_unpaid_ones(con: Any, tmp_path: Path) -> None:
    rows = [
        subscription("sub_1", (price(1000), 1), trial_start=day(2026, 1, 1), trial_end=day(2026, 1, 15)),
        subscription(
            "sub_2", (price(1000), 1), pause_collection={"behavior": "void"}, current_period_start=day(2026, 3, 1)
        ),
        # the newer API keeps the period at the items
        subscription(
            "sub_3",
            status="unpaid",
            items={
                "data": [{"id": "si_1", "price": price(1000), "quantity": 1, "current_period_start": day(2026, 3, 1)}]
            },
        ),
        subscription("sub_4", (price(1000), 1), status="incomplete_expired", ended_at=day(2026, 1, 2)),
        subscription("sub_5", (price(1000), 1), status="past_due"),
        subscription("sub_6", (price(1000), 1), status="paused", trial_end=day(2026, 1, 15)),
    ]
    staged = load(con, write(tmp_path, {"subscriptions": rows}))
    assert table(con, staged, "subscriptions", "subscription_id, status, valid_from, valid_to") == [
        ("sub_1", "trialing", at(2026, 1, 1), at(2026, 1, 15)),
        ("sub_1", "active", at(2026, 1, 15), None),
        ("sub_2", "active", at(2026, 1, 1), at(2026, 3, 1)),
        ("sub_2", "paused", at(2026, 3, 1), None),
        ("sub_3", "active", at(2026, 1, 1), at(2026, 3, 1)),
        ("sub_3", "unpaid", at(2026, 3, 1), None),
        ("sub_4", "incomplete_expired", at(2026, 1, 1), at(2026, 1, 2)),
        ("sub_4", "incomplete_expired", at(2026, 1, 2), None),
        ("sub_5", "past_due", at(2026, 1, 1), None),
        ("sub_6", "trialing", at(2026, 1, 1), at(2026, 1, 15)),
        ("sub_6", "paused", at(2026, 1, 15), None),
    ]
    assert "3 subscriptions are unpaid or paused" in said(staged, "unpaid or paused")


def test_two_subscriptions_of_one_customer_stay_two(con: Any, tmp_path: Path) -> None:
    rows = [subscription("sub_1", (price(1000), 1)), subscription("sub_2", (price(1200, "year"), 2))]
    staged = load(con, write(tmp_path, {"subscriptions": rows}))
    assert table(con, staged, "subscriptions", "subscription_id, account_id, mrr_minor") == [
        ("sub_1", "cus_1", 1000), ("sub_2", "cus_1", 200),
    ]  # fmt: skip


def test_events_date_every_state_newest_first_and_delivered_twice(con: Any, tmp_path: Path) -> None:
    small, large = subscription("sub_1", (price(1000), 1)), subscription("sub_1", (price(1000), 5))
    ended = subscription(
        "sub_1", (price(1000), 5), status="canceled", canceled_at=day(2026, 4, 1), ended_at=day(2026, 4, 1)
    )
    upgrade = event("evt_2", "customer.subscription.updated", day(2026, 2, 1), large)
    events = [
        event("evt_4", "customer.subscription.deleted", day(2026, 4, 1), ended),
        # a card was changed: nothing that matters
        event("evt_3", "customer.subscription.updated", day(2026, 3, 1), large),
        upgrade,
        upgrade,
        # the same second as the creation; the newest of two updates of one second comes first in the list
        event("evt_1b", "customer.subscription.updated", day(2026, 1, 1), small),
        event("evt_1a", "customer.subscription.updated", day(2026, 1, 1), large),
        event("evt_1", "customer.subscription.created", day(2026, 1, 1), large),
        event("evt_0", "customer.created", day(2025, 12, 31), {"id": "cus_1"}),
    ]
    staged = load(con, write(tmp_path, {"subscriptions": [ended], "events": events}))
    assert table(con, staged, "subscriptions", "status, quantity, mrr_minor, ended_at, valid_from, valid_to") == [
        ("active", 1, 1000, None, at(2026, 1, 1), at(2026, 2, 1)),
        ("active", 5, 5000, None, at(2026, 2, 1), at(2026, 4, 1)),
        ("canceled", 5, 5000, at(2026, 4, 1), at(2026, 4, 1), None),
    ]
    assert not any("look-ahead" in notice for notice in staged.notices)


STEPS = st.lists(
    st.tuples(st.integers(0, 6), st.integers(0, 3), st.sampled_from(["active", "past_due", "unpaid"])),
    min_size=1,
    max_size=8,
)


@settings(deadline=None, max_examples=3, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(logs=st.lists(STEPS, min_size=10, max_size=30), seed=st.randoms(use_true_random=False))
def test_at_any_time_the_last_event_holds(con: Any, tmp_path: Path, logs: list[Any], seed: Any) -> None:
    """Newest first by second, as the API lists them; of one second the event further up in the list is the later."""
    events, truth, start = [], {}, day(2026, 1, 1)
    for nth, log in enumerate(logs):
        steps = [(0, 1, "active"), *sorted(log, key=lambda step: step[0])]
        for place, (hours, quantity, status) in enumerate(steps):
            kind = "customer.subscription.updated" if place else "customer.subscription.created"
            thing = subscription(f"sub_{nth:02}", (price(100), quantity), status=status)
            events.append((hours, place, event(f"evt_{nth}_{place}", kind, start + 3600 * hours, thing)))
        for hour in range(8):
            _, quantity, status = [step for step in steps if step[0] <= hour][-1]
            truth[f"sub_{nth:02}", hour] = (status, quantity, 100 * quantity)
    seed.shuffle(events)
    events.sort(key=lambda each: (each[0], each[1]), reverse=True)
    last = [subscription(f"sub_{nth:02}", (price(1), 1)) for nth in range(len(logs))]
    staged = load(con, write(tmp_path, {"subscriptions": last, "events": [row for _, _, row in events]}))
    spans = table(con, staged, "subscriptions", "subscription_id, valid_from, valid_to, status, quantity, mrr_minor")
    found = {}
    for hour in range(8):
        moment = at(2026, 1, 1, hour)
        for name, since, until, *state in spans:
            if since <= moment and (until is None or moment < until):
                assert (name, hour) not in found, "spans do not overlap"
                found[name, hour] = tuple(state)
    assert found == truth


def test_before_the_first_event_the_replaced_values_hold(con: Any, tmp_path: Path) -> None:
    after = subscription("sub_1", (price(3000), 2), status="past_due")
    before = {"status": "active", "items": {"data": [{"id": "si_0", "price": price(1000), "quantity": 2}]}}
    events = [event("evt_1", "customer.subscription.updated", day(2026, 2, 1), after, before)]
    staged = load(con, write(tmp_path, {"subscriptions": [after], "events": events}))
    assert table(con, staged, "subscriptions", "status, mrr_minor, valid_from, valid_to") == [
        ("active", 2000, at(2026, 1, 1), at(2026, 2, 1)),
        ("past_due", 6000, at(2026, 2, 1), None),
    ]
    assert "1 subscriptions changed before their first event" in said(staged, "first event")


def test_tables_of_a_pipeline_with_dated_history(con: Any, tmp_path: Path) -> None:
    files = [
        write_csv(tmp_path, "customer", "id | created | email | livemode \n cus_1 | 2026-01-01 00:00:00 | a@acme.com | TRUE"),
        write_csv(tmp_path, "subscription", """
            id | customer_id | status | created | start_date | quantity | livemode
            sub_1 | cus_1 | active | 2026-01-01 00:00:00 | 2026-01-01 00:00:00 | 9 | TRUE
            sub_2 | cus_1 | active | 2026-01-05 00:00:00 | 2026-01-05 00:00:00 |  | TRUE"""),
        write_csv(tmp_path, "subscription_history", """
            id | _fivetran_start | _fivetran_end | _fivetran_active | customer_id | status | created | start_date | quantity | livemode
            sub_1 | 2026-03-01 00:00:00 | 9999-12-31 23:59:59.999 | TRUE | cus_1 | past_due | 2026-01-01 00:00:00 | 2026-01-01 00:00:00 | 9 | TRUE
            sub_1 | 2026-01-02 00:00:00 | 2026-02-28 23:59:59.999 | FALSE | cus_1 | active | 2026-01-01 00:00:00 | 2026-01-01 00:00:00 | 4 | TRUE"""),
        write_csv(tmp_path, "subscription_item", """
            id | subscription_id | plan_id | quantity | created
            si_1 | sub_1 | plan_a | 9 | 2026-01-01 00:00:00
            si_2 | sub_2 | plan_a | 1 | 2026-01-05 00:00:00
            si_3 | sub_2 | price_b | 2 | 2026-02-05 00:00:00"""),
        write_csv(tmp_path, "plan", "id | amount | currency | interval | interval_count | product_id \n plan_a | 1200 | usd | year | 1 | prod_1"),
        write_csv(tmp_path, "price", """
            id | unit_amount | unit_amount_decimal | currency | recurring_interval | recurring_interval_count | nickname
            price_b | 0 | 0.5 | usd | week | 1 | Calls"""),
        write_csv(tmp_path, "product", "id | name \n prod_1 | Base"),
    ]  # fmt: skip
    staged = load(con, files)
    columns = "subscription_id, plan, status, quantity, mrr_minor, currency, valid_from, valid_to"
    assert table(con, staged, "subscriptions", columns) == [
        # the first state known is taken back to the start; a single item has the quantity of each state
        ("sub_1", "Base", "active", 4, 400, "USD", at(2026, 1, 1), at(2026, 3, 1)),
        ("sub_1", "Base", "past_due", 9, 900, "USD", at(2026, 3, 1), None),
        ("sub_2", "Base", "active", 1, 100, "USD", at(2026, 1, 5), at(2026, 2, 5)),
        # an item added later; half a cent x 2 x 52 / 12 = 4.33
        ("sub_2", "Base + Calls", "active", 3, 104, "USD", at(2026, 2, 5), None),
    ]
    assert "1 subscriptions have dated states" in said(staged, "dated states")
    assert "1 of 2 subscriptions" in said(staged, "look-ahead risk")


def test_history_alone_is_named_as_the_subscriptions(con: Any, tmp_path: Path) -> None:
    file = write_csv(tmp_path, "subscription_history", """
        id | _fivetran_start | _fivetran_end | _fivetran_active | customer_id | status | start_date
        sub_1 | 2026-01-01 00:00:00 | 9999-12-31 23:59:59.999 | TRUE | cus_1 | active | 2026-01-01 00:00:00""")  # fmt: skip
    staged = load(con, [f"subscription={file}"])
    assert table(con, staged, "subscriptions", "status, valid_from, valid_to") == [("active", at(2026, 1, 1), None)]
    assert not any("look-ahead" in notice for notice in staged.notices)


def test_undated_history_that_is_over_is_left_out(con: Any, tmp_path: Path) -> None:
    text = """
        id | _fivetran_active | customer_id | status | start_date
        sub_1 | TRUE | cus_1 | active | 2026-01-01 00:00:00
        sub_1 | FALSE | cus_1 | past_due | 2026-01-01 00:00:00"""
    staged = load(
        con, [f"subscription={write_csv(tmp_path, 'a', text)}", write_csv(tmp_path, "subscription_history", text)]
    )
    assert table(con, staged, "subscriptions", "status, valid_from") == [("active", at(2026, 1, 1))]
    assert "1 rows of subscription_history are over" in said(staged, "subscription_history are over")


def test_test_mode_is_left_out_beside_live_rows(con: Any, tmp_path: Path) -> None:
    rows = [subscription("sub_1", (price(1000), 1)), subscription("sub_2", (price(1000), 1), livemode=False)]
    customers = [{"id": "cus_1", "livemode": True}, {"id": "cus_2", "livemode": False}]
    staged = load(con, write(tmp_path, {"subscriptions": rows, "customers": customers}))
    assert table(con, staged, "subscriptions", "subscription_id") == [("sub_1",)]
    assert table(con, staged, "accounts", "account_id") == [("cus_1",)]
    assert "2 rows of test mode are left out" in said(staged, "test mode")


def test_an_export_of_test_mode_alone_is_kept(con: Any, tmp_path: Path) -> None:
    rows = [subscription("sub_1", (price(1000), 1), livemode=False)]
    staged = load(con, write(tmp_path, {"subscriptions": rows}))
    assert staged.rows["subscriptions"] == 1
    assert "they are kept" in said(staged, "test mode")


INVOICES: Rows = [
    {"id": "in_1", "customer": "cus_1", "total": 1500, "currency": "usd", "status": "paid", "created": day(2026, 1, 1),
     "status_transitions": {"finalized_at": day(2026, 1, 1, 1), "paid_at": day(2026, 1, 3)}, "due_date": day(2026, 1, 31),
     "collection_method": "send_invoice", "charge": "ch_1", "livemode": True},
    {"id": "in_2", "customer": {"id": "cus_1", "name": "expanded"}, "total": 500, "currency": "jpy", "status": "open",
     "created": day(2026, 2, 1), "status_transitions": {"finalized_at": None, "paid_at": None}, "due_date": None,
     "collection_method": "charge_automatically", "payment_intent": "pi_2", "livemode": True},
    {"id": "in_3", "customer": "cus_1", "total": 700, "currency": "usd", "status": "draft", "created": day(2026, 2, 2), "livemode": True},
    {"id": "in_4", "customer": "cus_1", "total": 12340, "currency": "kwd", "status": "void", "created": day(2026, 2, 3), "livemode": True},
    {"id": "in_5", "customer": "cus_1", "total": 50000, "currency": "isk", "status": "paid", "created": day(2026, 2, 4), "livemode": True},
    {"id": "in_6", "customer": "cus_1", "total": 9, "currency": "usd", "status": "open", "created": day(2026, 2, 4), "livemode": False},
]  # fmt: skip


def test_invoices(con: Any, tmp_path: Path) -> None:
    staged = load(con, write(tmp_path, {"invoices": INVOICES}))
    columns = "invoice_id, account_id, issued_at, due_at, total_minor, currency, paid_at, status, recognised_at"
    assert table(con, staged, "invoices", columns) == [
        ("in_1", "cus_1", at(2026, 1, 1, 1), at(2026, 1, 31), 1500, "USD", at(2026, 1, 3), "paid", None),
        # charged automatically: due when issued; yen have no smaller unit
        ("in_2", "cus_1", at(2026, 2, 1), at(2026, 2, 1), 500, "JPY", None, "open", None),
        ("in_4", "cus_1", at(2026, 2, 3), None, 12340, "KWD", None, "void", None),
        # Stripe writes 500 kronur as 50000, ISO 4217 has no smaller unit
        ("in_5", "cus_1", at(2026, 2, 4), None, 500, "ISK", None, "paid", None),
    ]
    assert "1 invoices were never issued" in said(staged, "never issued")
    assert "1 paid invoices do not say when" in said(staged, "never owed")
    assert "1 amounts in ISK" in said(staged, "ISO 4217")
    assert "1 rows of test mode" in said(staged, "test mode")


def test_iso_times_and_epoch_seconds_are_the_same_instants(con: Any, tmp_path: Path) -> None:
    text = f"""
        id | customer_id | total | created
        in_1 | cus_1 | 100 | {day(2026, 1, 1, 5)}
        in_2 | cus_1 | 100 | 2026-01-01T05:00:00Z
        in_3 | cus_1 | 100 | 2026-01-01T07:00:00+02:00
        in_4 | cus_1 | 100 | 2026-01-01 05:00:00"""
    staged = load(con, [write_csv(tmp_path, "invoice", text)])
    assert {issued for (issued,) in table(con, staged, "invoices", "issued_at")} == {at(2026, 1, 1, 5)}


def test_disputes_come_over_charge_or_payment(con: Any, tmp_path: Path) -> None:
    disputes: Rows = [
        {"id": "dp_1", "charge": "ch_1", "status": "lost", "created": day(2026, 1, 10), "evidence_details": {"due_by": day(2026, 1, 20)}},
        {"id": "dp_2", "charge": "ch_1", "status": "won", "created": day(2026, 1, 12), "evidence_details": {"due_by": day(2026, 1, 22)}},
        {"id": "dp_3", "charge": "ch_2", "status": "needs_response", "created": day(2026, 2, 5)},
        {"id": "dp_4", "charge": "ch_9", "status": "lost", "created": day(2026, 2, 5)},
    ]  # fmt: skip
    charges: Rows = [{"id": "ch_2", "payment_intent": "pi_2", "captured": True, "customer": "cus_1", "livemode": True}]
    # the newer API tells what paid an invoice in an object of its own
    payments: Rows = [
        {"id": "inpay_1", "invoice": "in_4", "payment": {"type": "charge", "charge": "ch_9"}, "status": "paid"}
    ]
    events = [event("evt_1", "charge.dispute.closed", day(2026, 3, 1), {"id": "dp_1"})]
    # charge ch_2 names no invoice; the invoice's payment does
    for row in disputes:
        row["payment_intent"] = "pi_2" if row["id"] == "dp_3" else None
    objects = {
        "invoices": INVOICES,
        "disputes": disputes,
        "charges": charges,
        "invoice_payments": payments,
        "events": events,
    }
    files = write(tmp_path, objects)
    staged = load(con, files)
    assert table(con, staged, "invoices", "invoice_id, disputed_at, dispute_closed_at")[:3] == [
        ("in_1", at(2026, 1, 10), at(2026, 3, 1)),
        ("in_2", at(2026, 2, 5), None),
        # closed, and nothing says when
        ("in_4", at(2026, 2, 5), None),
    ]
    assert "2 closed disputes" in said(staged, "closed disputes")


def test_refunds_and_credits(con: Any, tmp_path: Path) -> None:
    charges: Rows = [
        {"id": "ch_1", "customer": "cus_1", "invoice": "in_1", "captured": True, "livemode": True},
        {"id": "ch_2", "customer": "cus_1", "captured": True, "livemode": False},
    ]
    refunds: Rows = [
        {"id": "re_1", "charge": "ch_1", "amount": 300, "currency": "usd", "created": day(2026, 1, 5), "status": "succeeded",
         "metadata": {"Ticket ID": "4711"}},
        {"id": "re_2", "charge": "ch_1", "amount": 300, "currency": "usd", "created": day(2026, 1, 6), "status": "failed", "metadata": {}},
        {"id": "re_3", "charge": "ch_2", "amount": 300, "currency": "usd", "created": day(2026, 1, 6), "status": "succeeded"},
        {"id": "re_4", "charge": None, "payment_intent": "pi_2", "amount": 5, "currency": "mga", "created": day(2026, 1, 7)},
    ]  # fmt: skip
    notes: Rows = [
        {"id": "cn_1", "invoice": "in_1", "customer": "cus_1", "amount": 90, "total": 100, "currency": "usd", "created": day(2026, 1, 8),
         "status": "issued", "livemode": True},
        {"id": "cn_2", "invoice": "in_1", "customer": "cus_1", "amount": 90, "currency": "usd", "created": day(2026, 1, 8),
         "status": "void", "voided_at": day(2026, 1, 9), "livemode": True},
        {"id": "cn_3", "invoice": "in_2", "amount": 70, "currency": "jpy", "created": day(2026, 1, 9), "livemode": True},
    ]  # fmt: skip
    files = write(tmp_path, {"invoices": INVOICES, "charges": charges, "refunds": refunds, "credit_notes": notes})
    staged = load(con, files)
    columns = "account_id, ticket_id, invoice_id, amount_minor, currency, issued_at, team_id"
    assert table(con, staged, "refunds", f"refund_id, {columns}") == [
        ("re_1", "cus_1", "4711", "in_1", 300, "USD", at(2026, 1, 5), None),
        # ariary: Stripe's unit is the ariary, that of ISO 4217 its hundredth
        ("re_4", "cus_1", None, "in_2", 500, "MGA", at(2026, 1, 7), None),
    ]
    assert table(con, staged, "credits", f"credit_id, {columns}") == [
        ("cn_1", "cus_1", None, "in_1", 100, "USD", at(2026, 1, 8), None),
        ("cn_3", "cus_1", None, "in_2", 70, "JPY", at(2026, 1, 9), None),
    ]
    assert "1 voided credit notes" in said(staged, "voided")
    assert "1 refunds that failed" in said(staged, "failed")


def test_proration_lines_are_counted_and_not_revenue(con: Any, tmp_path: Path) -> None:
    lines = write_csv(
        tmp_path, "invoice_line_item", "id | invoice_id | proration \n il_1 | in_1 | TRUE \n il_2 | in_1 | FALSE"
    )
    files = [*write(tmp_path, {"subscriptions": [subscription("sub_1", (price(1000), 1))]}), lines]
    staged = load(con, files)
    assert table(con, staged, "subscriptions", "mrr_minor") == [(1000,)]
    assert "1 of 2 invoice lines are prorations" in said(staged, "prorations")


def test_lists_of_the_dashboard_are_in_major_units(con: Any, tmp_path: Path) -> None:
    files = [
        write_csv(tmp_path, "subscriptions", """
            id | Customer ID | Customer Email | Plan | Product | Quantity | Currency | Interval | Amount | Status | Created (UTC) | Start Date (UTC) | Canceled At (UTC) | Ended At (UTC)
            sub_1 | cus_1 | a@acme.com | price_1 | Pro | 2 | usd | month | 29.99 | active | 2026-01-01 08:00 | 2026-01-01 08:00 | |
            sub_2 | cus_2 | b@acme.com | price_2 |  | 1 | jpy | year | 12000 | canceled | 2026-01-01 08:00 | 2026-01-01 08:00 | 2026-02-01 08:00 | 2026-03-01 08:00
            sub_3 | cus_3 | c@acme.com | price_3 |  | 1 | isk | month | 500 | active | 2026-01-01 08:00 | | |"""),
        write_csv(tmp_path, "invoices", """
            id | Customer | Total | Currency | Status | Date (UTC) | Due Date (UTC)
            in_1 | cus_1 | 59.98 | usd | open | 2026-01-01 08:00 | 2026-01-31 08:00
            in_2 | cus_1 | 500 | isk | open | 2026-01-01 08:00 | """),
    ]  # fmt: skip
    staged = load(con, files)
    assert table(con, staged, "subscriptions", "subscription_id, plan, status, mrr_minor, currency, valid_from") == [
        ("sub_1", "Pro", "active", 5998, "USD", at(2026, 1, 1, 8)),
        ("sub_2", "price_2", "active", 1000, "JPY", at(2026, 1, 1, 8)),
        ("sub_2", "price_2", "canceled", 1000, "JPY", at(2026, 3, 1, 8)),
        ("sub_3", "price_3", "active", 500, "ISK", at(2026, 1, 1, 8)),
    ]
    assert table(con, staged, "invoices", "total_minor, due_at, issued_at") == [
        (5998, at(2026, 1, 31, 8), at(2026, 1, 1, 8)), (500, None, at(2026, 1, 1, 8)),
    ]  # fmt: skip
    assert "major units" in said(staged, "Dashboard")


def test_null_tokens_and_hostile_values_do_not_break_the_load(con: Any, tmp_path: Path) -> None:
    rows: Rows = [
        subscription("sub_1", (price(10**30), 1)),
        subscription("sub_2", (price(1000, "month", 10**9), 1)),
        subscription("sub_3", (price(1000, "fortnight"), 1)),
        subscription("sub_4", (price(1000), 10**18)),
        subscription("sub_5", (price(-1000), 1)),
        subscription("sub_6", discounts=["di_1"], items={"data": "?"}),
        subscription(
            "sub_7", (price(1000), 1), discounts=[{"coupon": {"percent_off": 1e9}}, {"coupon": {"amount_off": 10**15}}]
        ),
        subscription("sub_8", (price(None, unit_amount_decimal="0.0000000001"), 10**9), trial_end=10**17),
    ]
    staged = load(con, write(tmp_path, {"subscriptions": rows[:7]}))
    assert table(con, staged, "subscriptions", "mrr_minor") == [(None,)] * 6 + [(1000,)]
    assert "6 without a usable price" in said(staged, "no MRR")
    assert "1 subscriptions have a discount whose coupon" in said(staged, "coupon")
    staged = load(con, write(tmp_path, {"subscriptions": rows}))
    assert staged.counts.rejected == 1, "a time beyond the calendar is a reject, not a crash"
    csv_file = write_csv(
        tmp_path,
        "invoice",
        "id | customer_id | total | created | due_date \n in_1 | cus_1 | NULL | 1767225600 | \\N \n in_2 | cus_1 | 5 | 1767225600 | ",
    )
    staged = load(con, [csv_file])
    assert table(con, staged, "invoices", "invoice_id, due_at") == [("in_2", None)]
    assert staged.counts.rejected == 1


def test_a_renamed_column_is_named(con: Any, tmp_path: Path) -> None:
    file = write_csv(tmp_path, "subscription", "id | customer_ref | status \n sub_1 | cus_1 | active")
    with pytest.raises(ExportError) as caught:
        load(con, [file])
    assert "customer_id" in str(caught.value)


def test_the_same_export_gives_the_same_rows_with_any_number_of_threads(con: Any, tmp_path: Path) -> None:
    rows = [subscription(f"sub_{i}", (price(100 + i), 1), (price(7 * i, "week"), 3)) for i in range(200)]
    files = write(tmp_path, {"subscriptions": rows})
    one = table(con, load(con, files), "subscriptions", "*")
    con.execute("SET threads = 1")
    assert table(con, load(con, files), "subscriptions", "*") == one


@pytest.mark.skipif(not SEEDS.is_dir(), reason="the vendor's seeds lie beside the project, not in it")
def test_the_vendors_seeds_load(con: Any) -> None:
    staged = load(con, [SEEDS])
    assert dict(staged.rows) == {"accounts": 12, "subscriptions": 4, "invoices": 1, "credits": 1}
    assert staged.counts.rejected == 0
    assert "2 rows of test mode are left out" in said(staged, "test mode")
    assert table(con, staged, "invoices", "issued_at, total_minor, status") == [
        (datetime(2021, 2, 19, 14, 16, 37), 1000, "paid")
    ]
    assert "do not say when they were issued" in said(staged, "do not say when they were issued")
    # two more spellings of a table, and one that the mapping does not read
    assert all(name in said(staged, "left alone") for name in ("postgres", "snowflake", "credit_note_line_item"))


@pytest.mark.skipif(not SEEDS.is_dir(), reason="the vendor's seeds lie beside the project, not in it")
@pytest.mark.parametrize("spelling", ["", "_postgres", "_snowflake"])
def test_each_spelling_of_the_discount_table_reads_its_dates(con: Any, tmp_path: Path, spelling: str) -> None:
    seed = SEEDS / f"subscription_discount_data{spelling}.csv"
    coupons = write_csv(
        tmp_path,
        "coupon",
        "id | duration | percent_off \n coupon_test1 | repeating | 50 \n coupon_test2 | forever | 10",
    )
    rows = [subscription("sub_nine", (price(1000), 1), created=day(2022, 1, 1), start_date=day(2022, 1, 1), discounts=None),
            subscription("sub_1LjcrrDZlKRVG8Gnv1Bjosun", (price(1000), 1), created=day(2022, 1, 1), start_date=day(2022, 1, 1), discounts=None)]  # fmt: skip
    staged = load(con, [f"subscription_discount={seed}", coupons, *write(tmp_path, {"subscriptions": rows})])
    found = table(con, staged, "subscriptions", "mrr_minor, CAST(valid_from AS DATE), CAST(valid_to AS DATE)")
    assert [(mrr, start.isoformat(), end and end.isoformat()) for mrr, start, end in found] == [
        (1000, "2022-01-01", "2022-09-19"), (500, "2022-09-19", "2023-01-20"), (250, "2023-01-20", "2023-09-19"),
        (500, "2023-09-19", "2024-01-20"), (1000, "2024-01-20", None),
        (1000, "2022-01-01", "2022-10-15"), (900, "2022-10-15", None),
    ]  # fmt: skip


def test_the_history_of_subscriptions_will_do_without_the_subscriptions(tmp_path: Path) -> None:
    history = write_csv(
        tmp_path, "subscription_history",
        """
        id | customer_id | status | created | start_date | _fivetran_start | _fivetran_end | _fivetran_active
        sub_1 | cus_1 | active | 2026-01-01 00:00:00 | 2026-01-01 00:00:00 | 2026-01-01 00:00:00 | 2026-02-01 00:00:00 | false
        sub_1 | cus_1 | past_due | 2026-01-01 00:00:00 | 2026-01-01 00:00:00 | 2026-02-01 00:00:00 | 9999-12-31 23:59:59 | true
        """,
    )  # fmt: skip
    con = duckdb.connect()
    staged = stage_source(con, files=[history], source=read_mapping("stripe"), timezone="UTC", snapshot_at=None)
    rows = con.execute(
        f"SELECT status, valid_from FROM {staged.tables['subscriptions']} ORDER BY valid_from"
    ).fetchall()
    assert [row[0] for row in rows] == ["active", "past_due"]
    assert not [text for text in staged.notices if text.startswith("subscriptions not derived")]
