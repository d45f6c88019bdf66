"""Mappings and proposals: what ships is whole, wrong names get the nearest, guesses are marked as guesses."""

from pathlib import Path

import pytest

from triage_lab.domain.errors import InternalError, UsageError
from triage_lab.domain.tables import CANONICAL, TICKET_EVENTS, TICKETS
from triage_lab.sources import UNSURE_BELOW, FileFacts, list_sources, probe, propose, read_mapping
from triage_lab.sources.columns import SYNONYMS, match, nearest
from triage_lab.sources.fit import best_fit
from triage_lab.sources.mapping import _build, _folder


def facts(*columns: str) -> FileFacts:
    """Facts of a file with these columns."""
    return FileFacts(Path("x.csv"), "csv", "utf-8", ",", columns, "0" * 64, 1)


def test_every_source_that_ships_is_whole() -> None:
    assert "servicenow" in list_sources()
    for name in list_sources():
        mapping = read_mapping(name)
        assert mapping.name == name
        assert mapping.timezone in {"required", "required_or_utc"}
        assert all(layout.date_order in {"iso", "day_first", "month_first"} for layout in mapping.layouts)
        for table in mapping.tables:
            columns = {column.name for column in CANONICAL[table.table].columns}
            assert table.paths.keys() | table.not_derived.keys() == columns
            assert all(reason.strip() for reason in table.not_derived.values())
            assert table.sql.startswith("-- Grain: ")
        for item in mapping.objects:
            names = [column.name for column in item.columns]
            assert len(names) == len(set(names))
            # what a required column may stand in for is the name of an optional one, too
            for required in (True, False):
                own = [column for column in item.columns if column.required == required]
                aliases = [alias for column in own for alias in column.aliases]
                assert len(aliases) == len(set(aliases))
                assert not set(aliases) & {column.name for column in own}


def test_unknown_sources_get_the_nearest_name() -> None:
    with pytest.raises(UsageError, match="did you mean servicenow") as caught:
        read_mapping("service-now")
    assert caught.value.exit_code == 2
    with pytest.raises(UsageError, match="--table tickets"):
        read_mapping("ticket")
    with pytest.raises(UsageError, match=r"one of .*servicenow"):
        read_mapping("../../etc")


def test_layouts() -> None:
    mapping = read_mapping("servicenow")
    assert mapping.layout(None).name == "event_log"
    assert mapping.layout("event_log_month_first").date_order == "month_first"
    with pytest.raises(UsageError, match="event_log, event_log_month_first"):
        mapping.layout("dlt")


def test_a_mapping_that_leaves_a_column_out_is_our_fault() -> None:
    from ruamel.yaml import YAML

    folder = _folder() / "servicenow"
    data = YAML(typ="safe").load((folder / "mapping.yaml").read_text(encoding="utf-8"))
    del data["tables"]["tickets"]["not_derived"]["body"]
    with pytest.raises(InternalError, match="body"):
        _build("servicenow", data, folder)


def test_synonyms_name_canonical_columns() -> None:
    known = {column.name for table in CANONICAL.values() for column in table.columns}
    assert set(SYNONYMS) <= known


def test_proposals_say_how_sure_they_are() -> None:
    found = {
        name: (source, sure)
        for name, source, sure in propose(
            facts("Case Number", "opened_at", "Assignment group", "category", "chanel", "zzz"), TICKETS
        )
    }
    assert list(found) == [column.name for column in TICKETS.columns]
    assert found["category"] == ("category", 1.0)
    assert found["ticket_id"][0] == "Case Number"
    assert found["created_at"][0] == "opened_at"
    assert found["first_team_id"][0] == "Assignment group"
    assert all(found[name][1] >= UNSURE_BELOW for name in ("ticket_id", "created_at", "first_team_id"))
    assert found["channel"][0] == "chanel"
    assert 0.5 < found["channel"][1] < UNSURE_BELOW
    assert found["body"] == (None, 0.0)
    assert "zzz" not in {source for source, _ in found.values()}


def test_a_column_is_proposed_once_and_for_its_best_match() -> None:
    found = {
        name: source for name, source, _ in propose(facts("id", "created_at", "created", "timestamp"), TICKET_EVENTS)
    }
    assert found["event_id"] == "id"
    assert found["at"] == "timestamp"
    used = [source for source in found.values() if source]
    assert len(used) == len(set(used))


def test_proposals_for_a_real_looking_file(tmp_path: Path) -> None:
    path = tmp_path / "cases.csv"
    path.write_text("case_enquiry_id,open_dt,sla_target_dt,closed_dt,on_time,case_title,department\n1,2,3,4,5,6,7\n")
    found = {name: source for name, source, _ in propose(probe(path), TICKETS)}
    assert (found["created_at"], found["due_at"], found["closed_at"], found["sla_met"], found["first_team_id"]) == (
        "open_dt", "sla_target_dt", "closed_dt", "on_time", "department",
    )  # fmt: skip


def test_best_fit_needs_all_that_is_required() -> None:
    assert best_fit(["Number", "Opened", "Updated", "State"]) == "servicenow"
    assert best_fit(["ticket_id", "created_at", "category"]) == "tickets"
    assert best_fit(["x", "y"]) == ""


def test_nearest_and_match() -> None:
    assert nearest("Creatd-At", ["x", "created_at"]) == "created_at"
    assert nearest("qqq", ["x", "created_at"]) == ""
    wanted = {"a": ("alpha",), "b": (), "c": ()}
    place = facts("x").place
    assert match(["B", "Alpha", "z"], wanted, None, place) == {"a": "Alpha", "b": "B"}
    assert match(["a", "alpha"], wanted, {"b": "a"}, place) == {"b": "a", "a": "alpha"}
