"""Stripe: monthly recurring revenue by hand, and against exact fractions."""

import json
from fractions import Fraction
from math import floor
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from triage_lab.sources import read_mapping, stage_source

START, LATER, LATEST = 1767225600, 1769904000, 1772323200  # 1 January, 1 February, 1 March 2026, UTC


def item(
    amount: str | None, interval: str = "month", count: int = 1, quantity: int | None = 1, **more: Any
) -> dict[str, Any]:
    """An item of the API, with the amount as a decimal text of minor units."""
    recurring = {"interval": interval, "interval_count": count, "usage_type": more.pop("usage_type", "licensed")}
    price = {"id": "price", "unit_amount_decimal": amount, "currency": "usd", "recurring": recurring, **more}
    return {"id": "si", "price": price} | ({"quantity": quantity} if quantity is not None else {})


def percent(off: float, **more: Any) -> dict[str, Any]:
    return {"coupon": {"id": "c", "percent_off": off, "duration": "forever"} | more.pop("coupon", {}), **more}


def amount(off: int, **more: Any) -> dict[str, Any]:
    return {
        "coupon": {"id": "c", "amount_off": off, "currency": "usd", "duration": "forever"} | more.pop("coupon", {}),
        **more,
    }


def mrr(con: Any, folder: Path, subscriptions: list[dict[str, Any]], *others: Path) -> list[tuple[Any, ...]]:
    """Load subscriptions given as items and discounts; return id, mrr and epoch seconds of valid_from."""
    rows = []
    for nth, spec in enumerate(subscriptions):
        items = [{**each, "id": f"si_{place:03}"} for place, each in enumerate(spec["items"])]
        common = {"id": f"sub_{nth:04}", "customer": "cus_1", "status": "active", "created": START, "start_date": START}
        rows.append({**common, "currency": "usd", **spec, "items": {"data": items}})
    file = folder / "subscriptions.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    staged = stage_source(con, files=[file, *others], source=read_mapping("stripe"), timezone=None, snapshot_at=None)
    view = staged.tables["subscriptions"]
    sql = f"SELECT subscription_id, mrr_minor, epoch(valid_from)::BIGINT FROM {view} ORDER BY row_no"
    found: list[tuple[Any, ...]] = con.execute(sql).fetchall()
    return found


def one(con: Any, folder: Path, *items: dict[str, Any], **more: Any) -> Any:
    """MRR of one subscription that never changes."""
    found = mrr(con, folder, [{"items": list(items), **more}])
    assert len(found) == 1
    return found[0][1]


def test_intervals_become_a_month(con: Any, tmp_path: Path) -> None:
    cases = [
        (item("2000"), 2000), (item("6000", "month", 3), 2000), (item("12000", "year"), 1000), (item("36000", "year", 3), 1000),
        (item("1200", "week"), 5200), (item("1200", "week", 2), 2600), (item("120", "day"), 3650), (item("1000", "day", 30), 1014),
        (item("2000", quantity=7), 14000), (item("2000", quantity=None), 2000), (item("2000", quantity=0), 0),
        # half a minor unit is rounded up; fractions of a minor unit are not lost before the sum
        (item("6", "year"), 1), (item("5", "year"), 0), (item("0.5"), 1), (item("0.0035", quantity=1000), 4),
        # packages
        (item("1000", quantity=11, transform_quantity={"divide_by": 5, "round": "up"}), 3000),
        (item("1000", quantity=11, transform_quantity={"divide_by": 5, "round": "down"}), 2000),
    ]  # fmt: skip
    found = mrr(con, tmp_path, [{"items": [case]} for case, _ in cases])
    assert [value for _, value, _ in found] == [value for _, value in cases]


def test_rounded_once_for_all_items(con: Any, tmp_path: Path) -> None:
    cases = [
        # 4/12 + 4/12 + 4/12 = 1, where each by itself would be 0
        ([item("4", "year")] * 3, 1),
        # several interval counts in one subscription: 1000/3 + 1000/7
        ([item("1000", "month", 3), item("1000", "month", 7)], 476),
    ]
    found = mrr(con, tmp_path, [{"items": items} for items, _ in cases])
    assert [value for _, value, _ in found] == [value for _, value in cases]


def test_what_has_no_fixed_amount(con: Any, tmp_path: Path) -> None:
    tiered, metered = item(None, billing_scheme="tiered"), item("5", usage_type="metered", quantity=None)
    cases: list[tuple[list[dict[str, Any]], int | None]] = [
        ([item("2000"), metered], 2000), ([metered], None), ([item("2000"), tiered], None), ([item(None)], None), ([], None),
    ]  # fmt: skip
    found = mrr(con, tmp_path, [{"items": items} for items, _ in cases])
    assert [value for _, value, _ in found] == [value for _, value in cases]


def test_discounts(con: Any, tmp_path: Path) -> None:
    base = item("10000")
    cases: list[tuple[dict[str, Any], int]] = [
        ({"discount": percent(25)}, 7500),
        ({"discounts": [percent(33.33)]}, 6667),
        (
            {
                "discounts": [
                    {"source": {"type": "coupon", "coupon": {"id": "c", "percent_off": 10, "duration": "forever"}}}
                ]
            },
            9000,
        ),
        # one after the other, whatever their order; then amounts
        ({"discounts": [amount(1000), percent(50), percent(10)]}, 3500),
        ({"discount": amount(2500)}, 7500),
        ({"discount": amount(99999)}, 0),
        ({"discount": percent(100)}, 0),
        # another currency takes nothing off; a coupon for one invoice takes nothing off what recurs
        ({"discount": amount(2500, coupon={"currency": "eur"})}, 10000),
        ({"discount": percent(25, coupon={"duration": "once"})}, 10000),
        # ids alone say nothing; then the older field does
        ({"discounts": ["di_1"], "discount": percent(20)}, 8000),
        ({"discounts": [percent(20)], "discount": percent(20)}, 8000),
    ]
    found = mrr(con, tmp_path, [{"items": [base], **case} for case, _ in cases])
    assert [value for _, value, _ in found] == [value for _, value in cases]


def test_an_amount_off_is_per_invoice(con: Any, tmp_path: Path) -> None:
    assert one(con, tmp_path, item("120000", "year"), discount=amount(12000)) == 9000


def test_a_discount_that_ended_and_one_that_began_later(con: Any, tmp_path: Path) -> None:
    spec = {"items": [item("1000")], "discounts": [percent(50, start=START, end=LATER), amount(100, start=LATEST)]}
    assert mrr(con, tmp_path, [spec]) == [
        ("sub_0000", 500, START),
        ("sub_0000", 1000, LATER),
        ("sub_0000", 900, LATEST),
    ]


def test_a_customers_discount_counts_where_the_subscription_has_none(con: Any, tmp_path: Path) -> None:
    customers = tmp_path / "customers.jsonl"
    customers.write_text(json.dumps({"id": "cus_1", "discount": percent(10, start=LATER)}) + "\n", encoding="utf-8")
    found = mrr(
        con, tmp_path, [{"items": [item("1000")]}, {"items": [item("1000")], "discount": percent(50)}], customers
    )
    assert found == [("sub_0000", 1000, START), ("sub_0000", 900, LATER), ("sub_0001", 500, START)]


def test_discounts_from_tables_without_those_of_invoices(con: Any, tmp_path: Path) -> None:
    (tmp_path / "coupon.csv").write_text(
        "id,duration,percent_off,amount_off,currency\nhalf,forever,50,,\nten,repeating,,100,usd\n"
    )
    (tmp_path / "discount.csv").write_text(
        "id,type,coupon_id,customer_id,subscription_id,invoice_id,start,end\n"
        "d1,subscription,half,cus_1,sub_0000,,2026-01-01,2026-02-01\n"
        "d2,invoice,half,cus_1,sub_0000,in_1,2026-01-01,\n"
        "d3,customer,ten,cus_1,,,2026-03-01,\n"
    )
    tables = (tmp_path / "coupon.csv", tmp_path / "discount.csv")
    found = mrr(con, tmp_path, [{"items": [item("1000")]}], *tables)
    assert found == [("sub_0000", 500, START), ("sub_0000", 1000, LATER), ("sub_0000", 900, LATEST)]


def test_units_of_currencies(con: Any, tmp_path: Path) -> None:
    cases = [
        ("jpy", "500", 500), ("JPY", "500", 500), ("kwd", "5120", 5120), ("isk", "500", 5), ("ugx", "550", 6), ("mga", "5", 500),
        ("usd", "500", 500),
    ]  # fmt: skip
    found = mrr(con, tmp_path, [{"items": [item(unit, currency=code)], "currency": code} for code, unit, _ in cases])
    assert [value for _, value, _ in found] == [value for _, _, value in cases]


def test_the_older_api_has_one_plan_and_a_quantity(con: Any, tmp_path: Path) -> None:
    plan = {"id": "gold", "amount": 1200, "interval": "year", "interval_count": 1, "currency": "usd"}
    found = mrr(con, tmp_path, [{"items": [], "plan": plan, "quantity": 3}])
    assert found == [("sub_0000", None, START)], "an empty list of items is a statement"
    file = tmp_path / "old.jsonl"
    row = {"id": "sub_1", "customer": "cus_1", "status": "active", "created": START, "plan": plan, "quantity": 3}
    file.write_text(json.dumps(row) + "\n", encoding="utf-8")
    staged = stage_source(
        con, files=[f"subscription={file}"], source=read_mapping("stripe"), timezone=None, snapshot_at=None
    )
    assert con.execute(f"SELECT plan, quantity, mrr_minor FROM {staged.tables['subscriptions']}").fetchall() == [
        ("gold", 3, 300)
    ]


MONTHS = {"month": Fraction(1), "year": Fraction(1, 12), "week": Fraction(52, 12), "day": Fraction(365, 12)}


def exact(spec: dict[str, Any]) -> int:
    """MRR in exact fractions, rounded half up."""
    total, share = Fraction(0), Fraction(0)
    for place, each in enumerate(spec["items"]):
        recurring = each["price"]["recurring"]
        months = MONTHS[recurring["interval"]] / recurring["interval_count"]
        share = months if place == 0 else share
        total += Fraction(each["price"]["unit_amount_decimal"]) * each["quantity"] * months
    for each in spec["discounts"]:
        total *= 1 - Fraction(str(each["coupon"].get("percent_off", 0))) / 100
    for each in spec["discounts"]:
        total -= each["coupon"].get("amount_off", 0) * share
    return floor(max(total, Fraction(0)) + Fraction(1, 2))


AMOUNTS = st.one_of(
    st.integers(0, 10**8).map(str),
    st.decimals(0, 1000, allow_nan=False, places=4).map(str),
    st.sampled_from(["0.000000000001", "0.5", "6", "18", "42", "99999999", "0.125"]),
)
ITEMS = st.builds(
    item, AMOUNTS, st.sampled_from(sorted(MONTHS)), st.sampled_from([1, 2, 3, 6, 12, 26]), st.integers(0, 1000)
)
DISCOUNTS = st.one_of(
    st.builds(percent, st.integers(0, 10000).map(lambda hundredths: hundredths / 100)),
    st.builds(amount, st.integers(0, 10**6)),
)
# two percentages at most: their product has eight decimals then, which is what the mapping keeps
SPECS = st.fixed_dictionaries(
    {"items": st.lists(ITEMS, min_size=1, max_size=4), "discounts": st.lists(DISCOUNTS, max_size=2)}
)


@settings(
    deadline=None,
    max_examples=4,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.data_too_large],
)
@given(specs=st.lists(SPECS, min_size=20, max_size=60))
def test_normalisation_equals_exact_fractions(con: Any, tmp_path: Path, specs: list[dict[str, Any]]) -> None:
    found = mrr(con, tmp_path, specs)
    assert [value for _, value, _ in found] == [exact(spec) for spec in specs]
