"""Slow twins of the store: newest rows and context as of arrival, ticket by ticket and row by row in plain Python."""

# ruff: noqa: DTZ901 - naive UTC, as stored

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from zoneinfo import ZoneInfo

TRUE, FALSE = {"true", "t", "yes", "y", "1"}, {"false", "f", "no", "n", "0"}
DIGITS = {"JPY": 0, "KWD": 3}


USUAL = ("salesforce", "stripe", "contracts", "zendesk", "servicenow")
FACTS = {"accounts", "contracts", "contract_clauses", "subscriptions", "invoices", "opportunities"}
TABLE = {
    "account_tier": "accounts", "region": "accounts", "churn_risk": "accounts", "contract_tier": "contracts",
    "contract_end": "contracts", "auto_renew": "contracts", "mrr": "subscriptions", "balance_due": "invoices",
    "overdue_days": "invoices", "open_dispute": "invoices", "open_opportunity_amount": "opportunities",
    "open_opportunity_count": "opportunities", "legal_flag": "contract_clauses",
    "clause_support_hours": "contract_clauses", "clause_service_credit_pct": "contract_clauses",
}  # fmt: skip
BASE = {"mrr_tier": "mrr", "days_to_renewal": "contract_end"}
LOGGED = ("mrr", "contract_tier", "contract_end", "legal_flag", "mrr_tier")


def newest(loads, table, key, as_of):
    """The newest row per key: of loads up to as_of the latest, within it the last row of the file.

    A system's row of a table of facts replaces its own rows only, one of the lab's own tables ('canonical') any.
    """
    found = {}
    for load_id, system, rows in loads:
        if load_id <= as_of:
            for row in rows:
                name = tuple(row.get(column) for column in key)
                if table in FACTS and system != "canonical":
                    found.pop((system, *name), None)
                else:
                    for old in [old for old in found if old[1:] == name]:
                        del found[old]
                found[system, *name] = {**row, "system": system}
    return list(found.values())


def linked(rows, links):
    """Rows with the account that the links name for the id of their system."""
    accounts = {(link["source"], link["source_id"]): link["account_id"] for link in links}
    out = []
    for row in rows:
        own = row.get("account_id")
        shown = {"own_id": own, "account_id": accounts.get((row["system"], own), own)}
        if "parent_id" in row:
            shown["parent_id"] = accounts.get((row["system"], row["parent_id"]), row["parent_id"])
        out.append({**row, **shown})
    return out


def first_deliveries(signals):
    """(signal id -> what it repeats): said by itself, else the first of the same system and key."""
    out = {}
    for signal in signals:
        same = [
            other for other in signals
            if other.get("source") == signal.get("source")  # without one: that of the load, here always the same
            and other.get("dedup_key") is not None and other["dedup_key"] == signal.get("dedup_key")
        ]  # fmt: skip
        first = min(same, key=lambda s: (s["received_at"], s["signal_id"].encode()))["signal_id"] if same else None
        first = None if first == signal["signal_id"] else first
        out[signal["signal_id"]] = signal.get("duplicate_of") or first
    return out


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

    def __init__(self, tables, *, zone, currency, tiers, fx, latency, chains):
        self.tables, self.zone, self.currency = tables, ZoneInfo(zone), currency
        self.tiers, self.fx, self.latency, self.chains = tiers, fx, latency, chains

    def rows(self, table, account, system):
        return [
            row for row in self.tables[table]
            if account is not None and row.get("account_id") == account and row["system"] == system
        ]  # fmt: skip

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

    def known(self, account, when, system):
        """Whether the system knew the account; one without accounts relies on the others."""
        accounts = self.tables["accounts"]
        if not accounts:
            return account is not None
        systems = {row["system"] for row in accounts}
        systems = {system} if system in systems else systems
        return any(valid(row, when) for name in systems for row in self.rows("accounts", account, name))

    def account(self, account, when, system):
        versions = [r for r in self.rows("accounts", account, system) if valid(r, when)]
        return max(versions, key=lambda r: (began(r), r["own_id"] == account, r["own_id"])) if versions else {}

    def mrr(self, account, when, system):
        rows = [r for r in self.rows("subscriptions", account, system) if began(r) <= when]
        if not any((r.get("started_at") or datetime.min) <= when for r in rows):
            return None
        paying = [
            r
            for r in told(rows, "subscription_id", when)
            if (r.get("status") or "active") in ("active", "past_due")
            and (r.get("started_at") or datetime.min) <= when < (r.get("ended_at") or datetime.max)
        ]
        return self.total([self.major(r.get("mrr_minor"), r.get("currency"), when) for r in paying])

    def contract(self, account, when, system):
        today = self.day(when)
        best = None
        for row in told(self.rows("contracts", account, system), "contract_id", when):
            status = row.get("status") or "active"
            if status == "draft" or (row.get("starts_on") and row["starts_on"] > today):
                continue
            in_force = status == "active" and (row.get("ends_on") is None or row["ends_on"] >= today)
            rank = (in_force, row.get("starts_on") or date.min, row.get("ends_on") or date.max, row["contract_id"])
            if best is None or rank > best[0]:
                best = rank, row
        return best[1] if best else {}

    def invoices(self, account, when, system):
        bills = self.rows("invoices", account, system)
        seen = any(b["issued_at"] <= when for b in bills)
        if not (self.known(account, when, system) or seen):
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

    def opportunities(self, account, when, system):
        rows = [r for r in self.rows("opportunities", account, system) if began(r) <= when]
        if not (self.known(account, when, system) or rows):
            return None, None
        pending = [r for r in told(rows, "opportunity_id", when) if not r.get("is_closed") and not r.get("is_won")]
        return self.total([self.major(r.get("amount_minor"), r.get("currency"), when) for r in pending]), len(pending)

    def clause(self, account, key, when, system):
        owners = {}
        for row in self.tables["contracts"]:
            rank = (row["system"] == system, row["account_id"])
            owners[row["contract_id"]] = max(rank, owners.get(row["contract_id"], (False, "")))
        rows = [
            r
            for r in self.tables["contract_clauses"]
            if r["clause_key"] == key and account is not None and r["system"] == system
            and (r.get("account_id") or owners.get(r["contract_id"], (False, None))[1]) == account
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

    def changes(self, table, account, system):
        """When a sum of the account's rows changed."""
        out = []
        for row in self.rows(table, account, system):
            since, until = began(row), row.get("valid_to") or datetime.max
            if table == "invoices":
                out.append(row["issued_at"])
                out += [row["paid_at"]] if row.get("paid_at") and row["paid_at"] >= row["issued_at"] else []
                continue
            out.append(since)
            if since < until:
                out.append(until)
                for name in ("started_at", "ended_at"):
                    if row.get(name) and row[name] < until:
                        out.append(max(row[name], since))
        return [when for when in out if when not in (datetime.min, datetime.max)]

    def disputes(self, account, system):
        out = []
        for bill in self.rows("invoices", account, system):
            opened, closed = bill.get("disputed_at"), bill.get("dispute_closed_at")
            out += [opened] if opened else []
            out += [closed] if opened and closed and closed >= opened else []
        return out

    def fact(self, name, ticket, system):
        """(value, since when) of one field as one system tells it."""
        account, when, table = ticket.get("account_id"), ticket["created_at"], TABLE[name]
        if table == "accounts":
            row = self.account(account, when, system)
            return row.get({"account_tier": "tier"}.get(name, name)), row.get("valid_from")
        if table == "contracts":
            row = self.contract(account, when, system)
            return row.get({"contract_tier": "tier", "contract_end": "ends_on"}.get(name, name)), row.get("valid_from")
        if table == "contract_clauses":
            rows = self.clause(account, name.removeprefix("clause_"), when, system)
            return self.said(name, rows), max([r["valid_from"] for r in rows if r.get("valid_from")], default=None)
        changed = self.disputes(account, system) if name == "open_dispute" else self.changes(table, account, system)
        as_of = max([time for time in changed if time <= when], default=None)
        if name == "mrr":
            return self.mrr(account, when, system), as_of
        if table == "invoices":
            place = ("balance_due", "overdue_days", "open_dispute").index(name)
            return self.invoices(account, when, system)[place], as_of
        return self.opportunities(account, when, system)["_amount" not in name], as_of

    def said(self, name, rows):
        """What clauses of several contracts say."""
        if name == "legal_flag":
            flags = {str(r.get("value")).strip().lower() for r in rows}
            return True if flags & TRUE else False if flags & FALSE else None
        row = max(rows, key=lambda r: (began(r), r["contract_id"])) if rows else {}
        if name == "clause_support_hours":
            return row.get("value")
        return row["value_num"] if row.get("value_num") is not None else as_number(row.get("value"))

    def asked(self, name):
        """(systems to ask, those of them that hold anything)."""
        rows = self.tables[TABLE[name]]
        if TABLE[name] == "contract_clauses":
            rows = [row for row in rows if row["clause_key"] == name.removeprefix("clause_")]
        loaded = {row["system"] for row in rows}
        rank = {system: place for place, system in enumerate(USUAL)}
        usual = sorted(loaded, key=lambda s: (s == "canonical", rank.get(s, 99), s))
        chain = self.chains.get(name)
        return (chain.sources if chain else usual), loaded

    def look_up(self, name, ticket):
        """(value, lookups made): one system after the other until one has a value."""
        systems, loaded = self.asked(name) if ticket.get("account_id") is not None else ((), ())
        chain = self.chains.get(name)
        made = []
        for system in systems:
            value, as_of = self.fact(name, ticket, system) if system in loaded else (None, None)
            if value is None:
                made.append((system, None, "miss", None))
                continue
            since, arrived = seconds(as_of), seconds(ticket["created_at"])
            limit = chain.stale_after_seconds if chain else None
            stale = limit is not None and since is not None and arrived - since > limit
            made.append((system, value, "stale" if stale else "hit", since))
            return value, made
        return None, made

    def of_ticket(self, ticket, earlier):
        """What the ticket itself tells."""
        account, when = ticket.get("account_id"), ticket["created_at"]
        same = [
            t for t in earlier
            if t.get("account_id") == account and t.get("category") == ticket.get("category")
            and t["created_at"] >= when - timedelta(days=7)
        ]  # fmt: skip
        named = account is not None and ticket.get("category") is not None
        return {
            "account_id": account, "category": ticket.get("category"), "is_repeat_7d": bool(same) if named else None,
        }  # fmt: skip

    def derived(self, name, value, ticket):
        """mrr_tier or days_to_renewal from the mrr or contract end."""
        if name == "mrr_tier":
            return self.tier(value)
        return None if value is None else (value - self.day(ticket["created_at"])).days

    def context(self, names):
        """(context, lookups) of all tickets in the order of a run."""
        tickets = sorted(
            self.tables["tickets"], key=lambda t: (t["created_at"].replace(microsecond=0), t["ticket_id"].encode())
        )
        out, lookups = [], []
        for place, ticket in enumerate(tickets):
            line, made = self.of_ticket(ticket, tickets[:place]), {}
            for name in TABLE:
                line[name], made[name] = self.look_up(name, ticket)
            for name in LOGGED:
                asked, value = self.logged(ticket, name)
                if asked:
                    line[name], made[name] = read(name, value), []
            for name, base in BASE.items():
                told = [(s, self.derived(name, v, ticket), status, since) for s, v, status, since in made[base]]
                made[name] = [] if name in made else [
                    (s, v, status if v is not None else "miss", since if v is not None else None)
                    for s, v, status, since in told
                ]  # fmt: skip
                line.setdefault(name, self.derived(name, line[base], ticket))
            out.append({"ticket_id": ticket["ticket_id"], **{name: line[name] for name in names}})
            lookups += [
                (place, name, system, plain(value), status, seconds(ticket["created_at"]), since)
                for name in names for system, value, status, since in made.get(name, [])
            ]  # fmt: skip
        return out, lookups

    def tier(self, mrr):
        reached = [(bound, name) for name, bound in self.tiers if mrr is not None and Decimal(mrr) >= bound]
        return max(reached)[1] if reached else None


def seconds(when):
    """UTC epoch seconds, floored."""
    return None if when is None else (when - datetime(1970, 1, 1)) // timedelta(seconds=1)  # noqa: DTZ001


def plain(value):
    """A value as a lookup log writes it."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, date):
        return value.isoformat()
    text = format(Decimal(repr(value)), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def as_number(text):
    """A finite number from text, or None."""
    try:
        return float(text)
    except (TypeError, ValueError):
        return None


def read(name, text):
    """A logged value in its column's type; None if it cannot be read."""
    if text is None or name in ("contract_tier", "mrr_tier"):
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
