"""Accounts of several systems: what is linked, by what, and what stays a doubt."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from triage_lab.domain.errors import UsageError
from triage_lab.sources.company_names import plain_company, plain_domains
from triage_lab.sources.linking import Doubt, Link, link_accounts

COLUMNS = ("source", "source_id", "name", "domain", "external_id", "tickets")


def identities(*rows: tuple) -> pl.DataFrame:
    schema = {name: pl.Int64 if name == "tickets" else pl.String for name in COLUMNS}
    return pl.DataFrame([(*row, *(None,) * (6 - len(row))) for row in rows], schema=schema, orient="row")


def only(linking) -> Link | Doubt:
    (found,) = (*linking.links, *linking.doubts)
    return found


def test_an_id_that_either_side_names_is_exact():
    there = identities(("salesforce", "001A", "Acme", None), ("zendesk", "77", "Quite Other", None, "001A"))
    assert only(link_accounts(there)) == Link("zendesk", "77", "001A", "exact", 1.0)
    here = identities(("salesforce", "001A", "Acme", None, "cus_9|77"), ("stripe", "cus_9", None, None))
    assert only(link_accounts(here)) == Link("stripe", "cus_9", "001A", "exact", 1.0)


def test_the_short_form_of_a_salesforce_id_is_the_same_record():
    rows = identities(
        ("salesforce", "0015g000000nDumAAE", "Acme"), ("zendesk", "364103328269", "X", None, "0015g000000nDum")
    )
    assert only(link_accounts(rows)) == Link("zendesk", "364103328269", "0015g000000nDumAAE", "exact", 1.0)
    other = identities(
        ("salesforce", "0015g000000nDumAAE", "Acme"), ("zendesk", "364103328269", "X", None, "0015g000000ndum")
    )
    assert link_accounts(other).links == ()  # case tells


def test_a_short_number_in_two_systems_is_an_accident():
    linking = link_accounts(identities(("stripe", "1234", "Acme"), ("zendesk", "1234", "Basalt Mills")))
    assert linking.links == (Link("zendesk", "1234", "zendesk:1234", "own", 1.0),) and linking.alone == {
        "stripe": 1,
        "zendesk": 1,
    }


def test_ids_that_name_two_accounts_stay_a_doubt():
    rows = identities(
        ("salesforce", "001A", "Acme"), ("salesforce", "001B", "Basalt"), ("zendesk", "7", "X", None, "001A|001B")
    )
    found = only(link_accounts(rows))
    assert isinstance(found, Doubt) and "several accounts" in found.reason and len(found.candidates) == 2


@pytest.mark.parametrize(
    ("name", "domain", "method", "confidence"),
    [
        ("ACME GmbH", "acme.com", "domain", 0.97),
        (None, "www.acme.com", "domain", 0.88),
        ("Acme, Inc.", None, "name", 0.95),
        ("Acme, Inc.", "gmail.com", "name", 0.95),
    ],
)
def test_domain_then_name(name, domain, method, confidence):
    rows = identities(("salesforce", "001A", "Acme", "acme.com"), ("stripe", "cus_1", name, domain))
    assert only(link_accounts(rows)) == Link("stripe", "cus_1", "001A", method, confidence)


def test_a_subsidiary_that_shares_the_domain_is_a_doubt():
    rows = identities(
        ("salesforce", "001A", "Acme", "acme.com"), ("zendesk", "7", "Borealis Energy", "acme.com", None, 12)
    )
    found = only(link_accounts(rows))
    assert isinstance(found, Doubt) and found.tickets == 12 and found.candidates == (("001A", "Acme", 0.6),)


def test_of_two_accounts_with_one_domain_the_name_decides():
    rows = identities(
        ("salesforce", "001A", "Acme Holding", "acme.com"), ("salesforce", "001B", "Acme Energy", "acme.com"),
        ("zendesk", "7", "ACME Energy Ltd", "acme.com"), ("zendesk", "8", "Something", "acme.com"),
    )  # fmt: skip
    linking = link_accounts(rows)
    assert linking.links == (Link("zendesk", "7", "001B", "domain", 0.95),)
    assert [doubt.source_id for doubt in linking.doubts] == ["8"]


def test_a_typing_error_is_forgiven_once_and_only_to_the_best():
    rows = identities(
        ("salesforce", "001A", "Meridian Logistics"),
        ("zendesk", "7", "Meridan Logistics"), ("zendesk", "8", "Meridiam Logistic"),
    )  # fmt: skip
    linking = link_accounts(rows)
    assert [link.source_id for link in linking.links] == ["7"] and linking.links[0].method == "name"
    assert [doubt.source_id for doubt in linking.doubts] == ["8"]


def test_two_accounts_of_one_name_are_never_chosen_from():
    rows = identities(("salesforce", "001A", "Acme"), ("salesforce", "001B", "Acme Inc"), ("zendesk", "7", "ACME"))
    assert "2 accounts have this name" in only(link_accounts(rows)).reason


def test_other_domains_take_from_an_equal_name():
    rows = identities(("salesforce", "001A", "Acme", "acme.com"), ("zendesk", "7", "Acme", "acme.io"))
    assert isinstance(only(link_accounts(rows)), Doubt)
    assert only(link_accounts(rows, min_confidence=0.8)) == Link("zendesk", "7", "001A", "name", 0.8)


def test_what_people_said_holds():
    rows = identities(("salesforce", "001A", "Acme"), ("zendesk", "7", "Zebra"))
    assert only(link_accounts(rows, [("zendesk", "7", "001A")])) == Link("zendesk", "7", "001A", "given", 1.0)


def test_a_later_system_meets_accounts_that_only_an_earlier_one_has():
    rows = identities(
        ("salesforce", "001A", "Acme"), ("stripe", "cus_1", "Basalt Mills"), ("zendesk", "7", "basalt mills llc")
    )
    assert only(link_accounts(rows)) == Link("zendesk", "7", "cus_1", "name", 0.95)


def test_the_hub_may_be_named_and_must_exist():
    rows = identities(("salesforce", "001A", "Acme"), ("zendesk", "7", "Acme"))
    assert only(link_accounts(rows, hub="zendesk")).account_id == "7"
    with pytest.raises(UsageError, match="no accounts of 'stripe'"):
        link_accounts(rows, hub="stripe")
    with pytest.raises(UsageError, match="confidence"):
        link_accounts(rows, min_confidence=1.5)


@settings(deadline=None, max_examples=60)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["salesforce", "stripe", "zendesk"]),
            st.text("abcé &.1", max_size=6),
            st.sampled_from([None, "a.de", "b.de|gmail.com"]),
        ),
        max_size=12,
    ),
    st.randoms(),
)
def test_every_identity_is_linked_in_doubt_or_alone_whatever_the_order(rows, random):
    table = [(source, f"{source[:2]}{n}", name, domain) for n, (source, name, domain) in enumerate(rows)]
    linking = link_accounts(identities(*table))
    shuffled = list(table)
    random.shuffle(shuffled)
    assert link_accounts(identities(*shuffled)) == linking
    assert len(linking.links) + len(linking.doubts) + sum(linking.alone.values()) == len(table)
    roots = {name for _, name, *_ in table}
    linked = {link.source_id for link in linking.links}
    assert all(link.account_id in roots - linked for link in linking.links)


def test_names_and_domains_in_plain_form():
    assert plain_company("Société Générale S.A.") == "societe generale"
    assert plain_company("A.B.C. Ltd.") == plain_company("abc limited") == "abc"
    assert plain_company("株式会社トヨタ") != "" and plain_company("  ") == "" and plain_company("GmbH") == "gmbh"
    assert plain_domains(None) == () and plain_domains("x@Example.COM, y@firm.co.uk") == ("firm.co.uk",)
