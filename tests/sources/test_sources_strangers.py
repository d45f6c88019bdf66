"""Systems without a mapping are named, and systems with one are never taken for them."""

import pytest

from triage_lab.sources import list_sources, read_mapping
from triage_lab.sources.strangers import stranger


@pytest.mark.parametrize(
    ("columns", "system"),
    [
        (["id", "issue_type", "status_category_changed", "created"], "Jira"),
        (["Issue key", "Summary", "Created"], "Jira"),
        (["id", "property_hs_pipeline", "property_createdate"], "HubSpot"),
        (["id", "responder_id", "fr_due_by"], "Freshdesk"),
    ],
)
def test_a_system_without_a_mapping_is_named(columns: list[str], system: str) -> None:
    assert stranger([["id", "name"], columns]).startswith(f"this looks like {system}, which has no mapping")


def test_no_object_of_a_mapping_is_a_stranger() -> None:
    for name in list_sources():
        for item in read_mapping(name).objects:
            columns = [column.name for column in item.columns]
            assert stranger([columns]) == "", (name, item.name)
    assert stranger([["Kunde", "Beginn"], []]) == ""
