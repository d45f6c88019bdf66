"""One account over several systems: linked views, identities, links written as loads, and what replaces what."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from store_worlds import at, lab, load, ticket

from triage_lab import store
from triage_lab.domain.errors import StoreError
from triage_lab.domain.tables import CANONICAL
from triage_lab.store.schema import LINKED


def link(source, source_id, account_id, method="exact", confidence=1.0):
    return {
        "source": source, "source_id": source_id, "account_id": account_id, "method": method, "confidence": confidence,
    }  # fmt: skip


def accounts_of(con, table="tickets"):
    return [row[0] for row in con.execute(f"SELECT account_id FROM {table} ORDER BY 1 NULLS LAST").fetchall()]


ONE = {
    "tickets": ticket("t", "2026-01-01"),
    "accounts": {"parent_id": "7"},
    "contracts": {"contract_id": "k"},
    "contract_clauses": {"contract_id": "k", "clause_key": "legal_flag"},
    "subscriptions": {"subscription_id": "s"},
    "invoices": {"invoice_id": "i", "issued_at": at("2026-01-01")},
    "refunds": {"refund_id": "r", "issued_at": at("2026-01-01")},
    "credits": {"credit_id": "c", "issued_at": at("2026-01-01")},
    "opportunities": {"opportunity_id": "o"},
}


def test_every_table_with_an_account_shows_the_linked_one(tmp_path):
    assert set(ONE) == set(LINKED)
    with lab(tmp_path) as con:
        for table, row in ONE.items():
            load(con, table, [{**row, "account_id": "7"}], source="zendesk")
        before = store.latest_load(con)
        load(con, "account_links", [link("zendesk", "7", "001A"), link("stripe", "7", "wrong")], source="links")
        for table in ONE:
            assert accounts_of(con, table) == ["001A"]
            assert con.execute(f"SELECT account_id FROM {table}_rows").fetchall() == [("7",)]
            own = con.execute(f"SELECT source_system, source_account_id, account_id FROM {table}_by_system").fetchall()
            assert own == [("zendesk", "7", "001A")]
        assert con.execute("SELECT parent_id FROM accounts").fetchall() == [("001A",)]
        store.set_as_of(con, before)
        for table in ONE:
            assert accounts_of(con, table) == ["7"]


def test_an_id_without_link_stays_and_links_do_not_chain(tmp_path):
    rows = [ticket(name, "2026-01-01", account_id=name) for name in "abc"] + [ticket("none", "2026-01-01")]
    with lab(tmp_path, tickets=rows) as con:
        load(con, "account_links", [link("canonical", "a", "b"), link("canonical", "b", "z"), link("x", "c", "y")])
        assert accounts_of(con) == ["b", "c", "z", None]


@settings(deadline=None, max_examples=10)
@given(
    links=st.dictionaries(
        st.tuples(st.sampled_from(["canonical", "zendesk"]), st.sampled_from("abc")), st.sampled_from("abcd")
    ),
    tickets=st.lists(st.tuples(st.sampled_from(["canonical", "zendesk"]), st.sampled_from(["a", "b", "c", None]))),
)
def test_views_equal_links_looked_up_row_by_row(tmp_path_factory, links, tickets):
    with lab(tmp_path_factory.mktemp("links")) as con:
        for system in ("canonical", "zendesk"):
            rows = [
                ticket(f"{number:03}", "2026-01-01", account_id=account)
                for number, (source, account) in enumerate(tickets) if source == system
            ]  # fmt: skip
            if rows:
                load(con, "tickets", rows, source=None if system == "canonical" else system)
        if links:
            load(con, "account_links", [link(*key, account) for key, account in links.items()])
        found = con.execute("SELECT account_id FROM tickets ORDER BY ticket_id").fetchall()
        assert [row[0] for row in found] == [links.get(key, key[1]) for key in tickets]


def test_a_system_replaces_its_own_rows_and_the_lab_all(tmp_path):
    def shown(con):
        query = "SELECT source_system, tier FROM accounts_by_system ORDER BY 1"
        return con.execute(query).fetchall()

    def tell(con, tier, source):
        load(con, "accounts", [{"account_id": "a", "tier": tier}], source=source)

    with lab(tmp_path) as con:
        tell(con, "gold", "salesforce")
        tell(con, "paid", "stripe")
        tell(con, "iron", "salesforce")
        assert shown(con) == [("salesforce", "iron"), ("stripe", "paid")]
        tell(con, "mine", "canonical")
        assert shown(con) == [("canonical", "mine")]
        tell(con, "new", "stripe")
        assert shown(con) == [("canonical", "mine"), ("stripe", "new")]
        store.set_as_of(con, 2)
        assert shown(con) == [("salesforce", "gold"), ("stripe", "paid")]
        store.set_as_of(con, None)
        load(con, "tickets", [ticket("t", "2026-01-01", category="x")], source="zendesk")
        load(con, "tickets", [ticket("t", "2026-01-01", category="y")], source="servicenow")
        assert con.execute("SELECT category FROM tickets").fetchall() == [("y",)]  # a ticket is one, whoever tells


def test_a_table_with_one_key_of_several_systems_has_one_order(tmp_path):
    with lab(tmp_path) as con:
        for source, tier in (("stripe", "b"), ("acme", "c"), ("salesforce", "a")):
            load(con, "accounts", [{"account_id": "x", "tier": tier}], source=source)
        assert store.read_table(con, "accounts")["tier"].to_list() == ["a", "b", "c"]


def frame(*links):
    return pl.DataFrame(list(links))


def test_links_are_loads_and_only_changes_are_stored(tmp_path):
    with lab(tmp_path, tickets=[ticket("t", "2026-01-01", account_id="7")]) as con:
        first = store.write_account_links(
            con, frame(link("canonical", "7", "A"), link("stripe", "c", "A", "name", 0.9)), file="links", loaded_at=60
        )
        line = store.list_loads(con).row(-1, named=True)
        assert (line["load_id"], line["source"], line["target"], line["rows"]) == (first, "links", "account_links", 2)
        assert line["loaded_at"] == at("1970-01-01 00:01")
        assert store.write_account_links(con, frame(link("canonical", "7", "A")), file="again") is None
        digest = store.data_digest(con, 99)
        store.write_account_links(
            con, frame(link("canonical", "7", "B"), link("stripe", "c", "A", "name", 0.9)), file=""
        )
        assert con.execute("SELECT count(*) FROM account_links_rows").fetchall() == [(3,)]
        assert (accounts_of(con), store.data_digest(con, 99) == digest) == (["B"], False)
        assert store.write_account_links(con, frame(link("canonical", "7", "A")), file="") is not None  # back again
        assert accounts_of(con) == ["A"]
        store.write_account_links(con, frame(link("canonical", "7", "7")), file="taken back")
        assert accounts_of(con) == ["7"]
        store.set_as_of(con, first)
        assert accounts_of(con) == ["A"]
        assert store.read_table(con, "account_links")["confidence"].to_list() == [1.0, 0.9]


def test_links_that_say_nothing_or_two_things_are_refused(tmp_path):
    with lab(tmp_path) as con:
        for links, message in (
            (frame(link("x", "1", "a"), link("x", "1", "b")), "'1' of x is linked twice"),
            (frame(link("x", None, "a")), "1 links without"),
        ):
            with pytest.raises(StoreError, match=message) as caught:
                store.write_account_links(con, links, file="f")
            assert caught.value.exit_code == 3
        assert store.latest_load(con) == 0


def test_identities_are_those_of_the_systems_themselves(tmp_path):
    versions = [
        {"account_id": "1", "name": "Old", "domain": "old.com", "valid_to": at("2026-01-01")},
        {"account_id": "1", "name": "New", "external_id": "001A", "valid_from": at("2026-01-01")},
        {"account_id": "2", "name": "Two"},
    ]
    rows = [ticket("t1", "2026-01-01", account_id="1"), ticket("t2", "2026-01-01", account_id="9"),
            ticket("t3", "2026-01-01", account_id="1"), ticket("t4", "2026-01-01")]  # fmt: skip
    with lab(tmp_path) as con:
        load(con, "accounts", versions, source="zendesk")
        load(con, "tickets", rows, source="zendesk")
        load(con, "accounts", [{"account_id": "1", "name": "Other"}], source="stripe")
        load(con, "subscriptions", [{"subscription_id": "s", "account_id": "cus"}], source="stripe")
        load(con, "contract_clauses", [{"contract_id": "k", "clause_key": "x"}], source="contracts")
        load(con, "refunds", [{"refund_id": "r", "account_id": "R", "issued_at": at("2026-01-01")}])
        load(con, "account_links", [link("stripe", "1", "zz")], source="links")
        found = store.read_account_identities(con)
        assert found.columns == ["source", "source_id", "name", "domain", "external_id", "tickets"]
        assert found.rows() == [
            ("canonical", "R", None, None, None, 0), ("stripe", "1", "Other", None, None, 0),
            ("stripe", "cus", None, None, None, 0), ("zendesk", "1", "New", "old.com", "001A", 2),
            ("zendesk", "2", "Two", None, None, 0), ("zendesk", "9", None, None, None, 1),
        ]  # fmt: skip


def test_inventory_by_system_tells_what_each_system_has_and_how_fresh(tmp_path):
    with lab(tmp_path) as con:
        subs = [
            {"subscription_id": "s1", "account_id": "a", "plan": "x", "valid_from": at("2026-01-01")},
            {"subscription_id": "s2", "account_id": "a", "valid_from": at("2026-02-01")},
        ]
        load(con, "subscriptions", subs, source="stripe", snapshot_at=1_767_225_600)
        load(con, "subscriptions", [subs[0]], source="salesforce")
        load(con, "subscriptions", [{**subs[1], "plan": "y"}], source="stripe")
        log = {"ticket_id": "t", "field": "mrr", "status": "hit", "looked_up_at": at("2026-03-01")}
        load(con, "enrichment_log", [{**log, "source": "crm", "value": "1"}, {**log, "source": "clm"}])
        found = {row[:3]: row[3:] for row in store.inventory_by_system(con).iter_rows()}
        assert found["subscriptions", "stripe", "plan"] == (2, 2, at("2026-02-01"), at("2026-01-01"))
        assert found["subscriptions", "salesforce", "plan"] == (1, 1, at("2026-01-01"), None)
        assert found["subscriptions", "stripe", "currency"] == (2, 0, None, at("2026-01-01"))
        assert found["enrichment_log", "clm", "value"] == (1, 0, None, None)
        assert found["enrichment_log", "crm", "value"] == (1, 1, at("2026-03-01"), None)
        assert {key[0] for key in found} == {"subscriptions", "enrichment_log"}
        assert [key[2] for key in found if key[1] == "stripe"] == [c.name for c in CANONICAL["subscriptions"].columns]
        store.set_as_of(con, 1)
        assert store.inventory_by_system(con)["system"].unique().to_list() == ["stripe"]


def test_rejects_of_several_files_name_their_own(tmp_path):
    with lab(tmp_path, tickets=[ticket("a", "2026-01-01")]) as con:
        rejects = pl.DataFrame({
            "row": [7, 3], "column": ["x", "y"], "value": ["", ""], "reason": ["r", "r"], "file": ["a.csv", "b.csv"],
        })  # fmt: skip
        con.register("refused", rejects)
        assert store.append_rejects(con, "refused", 1, None) == 2
        con.unregister("refused")
        assert con.execute('SELECT file, "row" FROM rejects').fetchall() == [("a.csv", 7), ("b.csv", 3)]
