"""Slow twins of the store: newest rows and context as of arrival, ticket by ticket and row by row in plain Python."""

# ruff: noqa: DTZ901 - naive UTC, as stored

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from zoneinfo import ZoneInfo

TRUE, FALSE = {"true", "t", "yes", "y", "1"}, {"false", "f", "no", "n", "0"}
DIGITS = {"JPY": 0, "KWD": 3}


def newest(loads, key, as_of):
    """The newest row per key: of loads up to as_of the latest, within it the last row of the file."""
    found = {}
    for load_id, rows in loads:
        if load_id <= as_of:
            for row in rows:
                found[tuple(row.get(name) for name in key)] = row
    return list(found.values())


def valid(row, when):
    """Whether a dimension row is true at an instant."""
    since, until = row.get("valid_from"), row.get("valid_to")
    return (since is None or since <= when) and (until is None or when < until)


def began(row):
    """When a row began to be true, for comparing rows."""
    return row.get("valid_from") or datetime.min


def told(rows, key, when):
    """Of each thing the version that is true at an instant, the one that began last."""
    found = {}
    for row in sorted(rows, key=began):
        if valid(row, when):
            found[row[key]] = row
    return list(found.values())


class World:
    """The newest rows of every table, and the setting."""

    def __init__(self, tables, *, zone, currency, tiers, fx, latency):
        self.tables, self.zone, self.currency = tables, ZoneInfo(zone), currency
        self.tiers, self.fx, self.latency = tiers, fx, latency

    def rows(self, table, account):
        return [row for row in self.tables[table] if account is not None and row.get("account_id") == account]

    def day(self, when):
        return when.replace(tzinfo=UTC).astimezone(self.zone).date()

    def major(self, minor, currency, when):
        """Exact major units of the lab's currency, or None; 10^14 minor units are a typing error."""
        currency = currency or self.currency
        if minor is None or abs(minor) >= 10**14:
            return None
        rate = Fraction(1)
        if currency != self.currency:
            begun = []
            for fx in self.fx:
                since = datetime.combine(fx.valid_from, time(), self.zone).astimezone(UTC).replace(tzinfo=None)
                if fx.source == currency and fx.target == self.currency and since <= when:
                    begun.append((since, fx.rate))
            if not begun:
                return None
            rate = Fraction(max(begun)[1])
        return Fraction(minor) * rate / 10 ** DIGITS.get(currency, 2)

    def total(self, amounts):
        """The sum as the nearest double; None if one is unknown."""
        return None if any(a is None for a in amounts) else float(sum(amounts, Fraction(0)))

    def known(self, account, when):
        if not self.tables["accounts"]:
            return account is not None
        return any(valid(row, when) for row in self.rows("accounts", account))

    def mrr(self, account, when):
        rows = [r for r in self.rows("subscriptions", account) if began(r) <= when]
        if not any((r.get("started_at") or datetime.min) <= when for r in rows):
            return None
        paying = [
            r
            for r in told(rows, "subscription_id", when)
            if (r.get("status") or "active") in ("active", "past_due")
            and (r.get("started_at") or datetime.min) <= when < (r.get("ended_at") or datetime.max)
        ]
        return self.total([self.major(r.get("mrr_minor"), r.get("currency"), when) for r in paying])

    def contract(self, account, when):
        today = self.day(when)
        best = None
        for row in told(self.rows("contracts", account), "contract_id", when):
            status = row.get("status") or "active"
            if status == "draft" or (row.get("starts_on") and row["starts_on"] > today):
                continue
            in_force = status == "active" and (row.get("ends_on") is None or row["ends_on"] >= today)
            rank = (in_force, row.get("starts_on") or date.min, row.get("ends_on") or date.max, row["contract_id"])
            if best is None or rank > best[0]:
                best = rank, row
        return best[1] if best else {}

    def invoices(self, account, when):
        bills = self.rows("invoices", account)
        seen = any(b["issued_at"] <= when for b in bills)
        if not self.tables["invoices"] or not (self.known(account, when) or seen):
            return None, None, None
        owed = [
            b
            for b in bills
            if b["issued_at"] <= when < (b.get("paid_at") or datetime.max)
            and b.get("status") != "void"
            and not (b.get("status") == "paid" and b.get("paid_at") is None)
        ]
        due = [b["due_at"] for b in owed if b.get("due_at")]
        overdue = max(0, (self.day(when) - self.day(min(due))).days) if due else 0
        disputed = any(
            b.get("disputed_at") and b["disputed_at"] <= when < (b.get("dispute_closed_at") or datetime.max)
            for b in bills
        )
        return self.total([self.major(b.get("total_minor"), b.get("currency"), when) for b in owed]), overdue, disputed

    def opportunities(self, account, when):
        rows = [r for r in self.rows("opportunities", account) if began(r) <= when]
        if not self.tables["opportunities"] or not (self.known(account, when) or rows):
            return None, None
        pending = [r for r in told(rows, "opportunity_id", when) if not r.get("is_closed") and not r.get("is_won")]
        return self.total([self.major(r.get("amount_minor"), r.get("currency"), when) for r in pending]), len(pending)

    def clause(self, account, key, when):
        owners = {}
        for row in self.tables["contracts"]:
            owners[row["contract_id"]] = max(row["account_id"], owners.get(row["contract_id"], ""))
        rows = [
            r
            for r in self.tables["contract_clauses"]
            if r["clause_key"] == key and account is not None
            and (r.get("account_id") or owners.get(r["contract_id"])) == account
        ]  # fmt: skip
        return told(rows, "contract_id", when)

    def logged(self, ticket, field):
        """(looked up at all, value)."""
        until = ticket["created_at"] + timedelta(seconds=self.latency)
        asked = [
            r
            for r in self.tables["enrichment_log"]
            if r["ticket_id"] == ticket["ticket_id"] and r["field"] == field and r["looked_up_at"] <= until
        ]
        answered = [r for r in asked if r["status"] in ("hit", "stale")]
        value = None
        if answered:
            value = min(answered, key=lambda r: (-r["looked_up_at"].timestamp(), r["status"] != "hit", r["place"])).get(
                "value"
            )
        return bool(asked), value

    def facts(self, ticket, earlier):
        """Every built-in column as the dimension rows tell it."""
        account, when = ticket.get("account_id"), ticket["created_at"]
        versions = [r for r in self.rows("accounts", account) if valid(r, when)]
        owner = max(versions, key=began) if versions else {}
        contract = self.contract(account, when)
        balance, overdue, disputed = self.invoices(account, when)
        amount, count = self.opportunities(account, when)
        same = [
            t for t in earlier
            if t.get("account_id") == account and t.get("category") == ticket.get("category")
            and t["created_at"] >= when - timedelta(days=7)
        ]  # fmt: skip
        named = account is not None and ticket.get("category") is not None
        flags = {str(r.get("value")).strip().lower() for r in self.clause(account, "legal_flag", when)}
        hours = self.newest_clause(account, "support_hours", when)
        credit = self.newest_clause(account, "service_credit_pct", when)
        return {
            "account_id": account, "category": ticket.get("category"), "is_repeat_7d": bool(same) if named else None,
            "account_tier": owner.get("tier"), "region": owner.get("region"), "churn_risk": owner.get("churn_risk"),
            "contract_tier": contract.get("tier"), "contract_end": contract.get("ends_on"),
            "auto_renew": contract.get("auto_renew"), "mrr": self.mrr(account, when), "balance_due": balance,
            "overdue_days": overdue, "open_dispute": disputed, "open_opportunity_amount": amount,
            "open_opportunity_count": count,
            "legal_flag": True if flags & TRUE else False if flags & FALSE else None,
            "clause_support_hours": hours.get("value"),
            "clause_service_credit_pct": (
                credit["value_num"] if credit.get("value_num") is not None else as_number(credit.get("value"))
            ),
        }  # fmt: skip

    def newest_clause(self, account, key, when):
        rows = self.clause(account, key, when)
        return max(rows, key=lambda r: (began(r), r["contract_id"])) if rows else {}

    def context(self, names):
        """All tickets in the order of a run."""
        tickets = sorted(
            self.tables["tickets"], key=lambda t: (t["created_at"].replace(microsecond=0), t["ticket_id"].encode())
        )
        out = []
        for place, ticket in enumerate(tickets):
            line = self.facts(ticket, tickets[:place])
            for name in ("mrr", "contract_tier", "contract_end", "legal_flag"):
                asked, value = self.logged(ticket, name)
                if asked:
                    line[name] = read(name, value)
            line["mrr_tier"] = self.tier(line["mrr"])
            line["days_to_renewal"] = (
                None if line["contract_end"] is None else (line["contract_end"] - self.day(ticket["created_at"])).days
            )
            out.append({"ticket_id": ticket["ticket_id"], **{name: line[name] for name in names}})
        return out

    def tier(self, mrr):
        reached = [(bound, name) for name, bound in self.tiers if mrr is not None and Decimal(mrr) >= bound]
        return max(reached)[1] if reached else None


def as_number(text):
    """A finite number from text, or None."""
    try:
        return float(text)
    except (TypeError, ValueError):
        return None


def read(name, text):
    """A logged value in its column's type; None if it cannot be read."""
    if text is None or name == "contract_tier":
        return text
    if name == "mrr":
        return as_number(text)
    if name == "legal_flag":
        word = text.strip().lower()
        return True if word in TRUE else False if word in FALSE else None
    try:
        return date.fromisoformat(text.strip()[:10])
    except ValueError:
        return None
