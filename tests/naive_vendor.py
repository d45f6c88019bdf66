"""Vendor exports read row by row, as somebody would by hand: the oracle for what the exports must say."""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path

Row = Mapping[str, str]


def read_rows(path: Path) -> list[dict[str, str]]:
    """Rows of a CSV file, all cells text."""
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def seconds(text: str) -> int:
    """Epoch seconds of an ISO 8601 time that says its zone."""
    return int(datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(UTC).timestamp())


def checksum(short_id: str) -> str:
    """The last three characters of an 18-character Salesforce id."""
    out = ""
    for part in (short_id[:5], short_id[5:10], short_id[10:]):
        bits = sum(1 << place for place, letter in enumerate(part) if "A" <= letter <= "Z")
        out += "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"[bits]
    return out


class Billing:
    """The tables of the billing system."""

    def __init__(self, folder: Path) -> None:
        self.history: dict[str, list[Row]] = defaultdict(list)
        for row in read_rows(folder / "subscription_history.csv"):
            self.history[row["customer_id"]].append(row)
        self.items: dict[str, list[Row]] = defaultdict(list)
        for row in read_rows(folder / "subscription_item.csv"):
            self.items[row["subscription_id"]].append(row)
        self.prices = {row["id"]: row for row in read_rows(folder / "price.csv")}
        self.coupons = {row["id"]: row for row in read_rows(folder / "coupon.csv")}
        self.discounts: dict[str, list[Row]] = defaultdict(list)
        for row in read_rows(folder / "discount.csv"):
            self.discounts[row["subscription_id"]].append(row)
        self.invoices: dict[str, list[Row]] = defaultdict(list)
        for row in read_rows(folder / "invoice.csv"):
            self.invoices[row["customer_id"]].append(row)

    def monthly(self, subscription_id: str) -> tuple[Fraction, str]:
        """Minor units a month of one subscription, less discounts, and their currency."""
        total, currency = Fraction(0), ""
        for item in self.items[subscription_id]:
            price = self.prices[item["price_id"]]
            months = int(price["recurring_interval_count"]) * (12 if price["recurring_interval"] == "year" else 1)
            whole = Fraction(int(price["unit_amount"]) * int(item["quantity"]))
            for discount in self.discounts[subscription_id]:
                coupon = self.coupons[discount["coupon_id"]]
                if coupon["percent_off"]:
                    whole *= 1 - Fraction(coupon["percent_off"]) / 100
                else:
                    whole -= int(coupon["amount_off"])
            total += whole / months
            currency = price["currency"]
        return total, currency

    def mrr(self, customers: Iterable[str], at: int) -> Fraction | None:
        """Recurring revenue in minor units as of an instant; None if there never was a subscription."""
        running = [
            row["id"]
            for customer in customers
            for row in self.history[customer]
            if seconds(row["_fivetran_start"]) <= at < seconds(row["_fivetran_end"]) and row["status"] == "active"
        ]
        ever = any(seconds(row["created"]) <= at for customer in customers for row in self.history[customer])
        return sum((self.monthly(name)[0] for name in running), Fraction(0)) if ever else None

    def owed(self, customers: Iterable[str], at: int) -> int:
        """Minor units of invoices that are issued and not paid as of an instant."""
        total = 0
        for customer in customers:
            for row in self.invoices[customer]:
                paid = row["status_transitions_paid_at"]
                if seconds(row["created"]) <= at and (not paid or at < seconds(paid)):
                    total += int(row["total"])
        return total


class Crm:
    """One object of the CRM with its history: what a field was at an instant."""

    def __init__(self, folder: Path, name: str, history: str, parent: str) -> None:
        self.records = {row["Id"]: row for row in read_rows(folder / f"{name}.csv")}
        self.changes: dict[tuple[str, str], list[Row]] = defaultdict(list)
        for row in read_rows(folder / f"{history}.csv"):
            self.changes[row[parent], row["Field"]].append(row)
        self.of_account: dict[str, list[str]] = defaultdict(list)
        for row in self.records.values():
            if "AccountId" in row:
                self.of_account[row["AccountId"]].append(row["Id"])

    def value(self, record_id: str, field: str, at: int) -> str | None:
        """The field as of an instant, by undoing every later change; None before the record was made."""
        record = self.records[record_id]
        if at < seconds(record["CreatedDate"]):
            return None
        value = record[field]
        for row in sorted(self.changes[record_id, field], key=lambda row: seconds(row["CreatedDate"]), reverse=True):
            if seconds(row["CreatedDate"]) > at:
                value = row["OldValue"]
        return value


def metadata_of(row: Row) -> dict[str, str]:
    """Metadata of a row of the billing system."""
    return dict(json.loads(row["metadata"]))
