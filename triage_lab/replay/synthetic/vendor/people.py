"""The help desk's people and places: groups, agents, end users and organizations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from triage_lab.replay.synthetic.frames import words
from triage_lab.replay.synthetic.parameters import LANGUAGES, TEAMS, WINDOW_START
from triage_lab.replay.synthetic.streams import Ints
from triage_lab.replay.synthetic.vendor.identity import FREE_MAIL, NOBODY, Book, View
from triage_lab.replay.synthetic.vendor.ids import numeric_ids

SYSTEM = -1  # what triggers and automations sign with
WRITERS = 2  # people of one customer and language
LOCALES = ("en-US", "de", "fr", "es")
_PRIVATE = 2**31  # numbers of people without an organization start here
_ZONES = ("Berlin", "Eastern Time (US & Canada)", "Singapore")
_FIRST = ("Ada", "Bo", "Cleo", "Dev", "Elif", "Femi", "Gia", "Hugo", "Ines", "Jon", "Kaya", "Lars", "Mina", "Noor")
_LAST = ("Ahl", "Berg", "Cruz", "Dorn", "Egan", "Falk", "Grau", "Holm", "Ito", "Jung", "Klee", "Lund", "Moss")


@dataclass(frozen=True, slots=True)
class Staff:
    """Groups (team_id, group_id) and agents (agent_id, user_id, team_id), by name."""

    groups: pl.DataFrame
    agents: pl.DataFrame

    def group_of(self, teams: pl.Expr) -> pl.Expr:
        """Id of the group, as text; NULL stays NULL."""
        ids = self.groups["group_id"].cast(pl.String)
        return teams.replace_strict(self.groups["team_id"], ids, default=None, return_dtype=pl.String)

    def user_of(self, agents: pl.Expr) -> pl.Expr:
        """Id of the agent's user; NULL stays NULL."""
        return agents.replace_strict(
            self.agents["agent_id"], self.agents["user_id"], default=None, return_dtype=pl.Int64
        )


def staff_of(events: pl.DataFrame) -> Staff:
    """Return the teams and agents that the log names."""
    named = pl.concat([pl.Series("team_id", TEAMS), events["team_id"].drop_nulls()]).unique().sort()
    acting = events.filter(pl.col("actor_type") == "agent").select(agent_id="actor_id", team_id="team_id", kind="kind")
    # an agent who hands a ticket over is recorded with the team that it goes to
    own = acting.filter(pl.col("kind") != "assigned").unique(["agent_id", "team_id"]).sort("agent_id", "team_id")
    own = own.unique("agent_id", keep="first", maintain_order=True).select("agent_id", "team_id")
    return Staff(
        pl.DataFrame({"team_id": named, "group_id": numeric_ids(370, np.arange(len(named)))}),
        own.with_columns(user_id=numeric_ids(390, np.arange(len(own)))).select("agent_id", "user_id", "team_id"),
    )


def writer_numbers(account: Ints, language: Ints, which: Ints, ticket: Ints) -> Ints:
    """Return who writes each ticket: one of few people of the customer, or somebody unknown."""
    of_customer = (account * len(LANGUAGES) + language) * WRITERS + which
    return np.where(account == NOBODY, _PRIVATE + ticket, of_customer)


def user_ids(writers: Ints) -> Ints:
    """Ids of end users."""
    return numeric_ids(380, writers)


def group_table(staff: Staff) -> pl.DataFrame:
    """Groups as of the export."""
    return staff.groups.select(
        id="group_id", name="team_id", created_at=_founded(), updated_at=_founded(), _fivetran_deleted=pl.lit(False)
    )


def _founded() -> pl.Expr:
    """When the help desk was set up."""
    return pl.lit((WINDOW_START - 6 * 365 * 86_400) * 1_000_000).cast(pl.Datetime("us"))


def user_table(staff: Staff, writers: pl.DataFrame, book: Book, view: View) -> pl.DataFrame:
    """Users as of the export: agents first, then everybody who wrote a ticket.

    Parameters
    ----------
    staff : Staff
    writers : polars.DataFrame
        writer, account (number), language (code): one row per person.
    book, view
        All customers, and those of the help desk.
    """
    agents = staff.agents
    place = np.arange(len(agents))
    names = words(_FIRST, place % len(_FIRST)) + " " + words(_LAST, (place // len(_FIRST)) % len(_LAST))
    own = agents.select(
        id="user_id",
        name=names,
        email=pl.col("agent_id") + "@helpdesk.example",
        role=pl.lit("agent"),
        organization_id=pl.lit(None, dtype=pl.Int64),
        locale=pl.lit("en-US"),
        time_zone=pl.lit("Berlin"),
        external_id="agent_id",
    )
    number = writers["writer"].to_numpy()
    account = writers["account"].to_numpy()
    host = book.people["domain"].gather(pl.Series(np.maximum(account, 0).astype(np.uint32)))
    host = host.zip_with(pl.Series(account != NOBODY), words(FREE_MAIL, number % len(FREE_MAIL)))
    name = words(_FIRST, number % len(_FIRST)) + " " + words(_LAST, (number // 7) % len(_LAST))
    local = name.str.to_lowercase().str.replace(" ", ".", literal=True) + pl.Series(number).cast(pl.String)
    guests = pl.select(
        id=pl.Series(user_ids(number), dtype=pl.Int64),
        name=name,
        email=local + "@" + host,
        role=pl.lit("end-user"),
        organization_id=view.id_of(account).cast(pl.Int64),
        locale=words(LOCALES, writers["language"].to_numpy()),
        time_zone=words(_ZONES, np.maximum(account, 0) % len(_ZONES)),
        external_id=pl.lit(None, dtype=pl.String),
    )
    both = pl.concat([own, guests])
    return both.with_columns(
        active=pl.lit(True),
        suspended=pl.lit(False),
        verified=pl.lit(True),
        created_at=_founded(),
        updated_at=_founded(),
    )


def organization_table(book: Book, view: View) -> pl.DataFrame:
    """Organizations as of the export."""
    rows = view.rows.join(book.people.select("number", "opened_at"), on="number", maintain_order="left")
    listed = pl.lit('["') + pl.col("domain") + pl.lit('"]')
    return rows.select(
        "name",
        "external_id",
        id=pl.col("source_id").cast(pl.Int64),
        domain_names=listed.fill_null("[]"),
        created_at="opened_at",
        updated_at="opened_at",
        shared_tickets=pl.lit(False),
        shared_comments=pl.lit(False),
    )


def languages_of(names: pl.Series, known: Sequence[str] = LANGUAGES) -> Ints:
    """Codes of languages; what is not known counts as the first."""
    return names.replace_strict(list(known), list(range(len(known))), default=0, return_dtype=pl.Int64).to_numpy()
