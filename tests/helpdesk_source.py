"""Two made-up sources with several objects, written into a folder of mappings for the tests of the machinery."""

from pathlib import Path
from typing import Any

from triage_lab.domain.tables import CANONICAL

HELPDESK: dict[str, Any] = {
    "name": "helpdesk",
    "version": "1",
    "title": "A made-up help desk",
    "layouts": {
        "iso": {"meaning": "times as ISO 8601", "date_order": "iso"},
        "us": {"meaning": "times as m/d/yyyy", "date_order": "month_first"},
    },
    "timezone": "required",
    "null_tokens": ["NULL"],
    "objects": {
        "ticket": {
            "title": "one row per ticket",
            "names": ["tickets"],
            "extra": True,
            "columns": {
                "id": {"required": True, "aliases": ["ticket_id"]},
                "created_at": {"kind": "timestamp", "required": True},
                "company_id": {},
                "priority": {"codes": {"1": "urgent", "2": "high"}},
                "via_channel": {"aliases": ["via.channel", "source.via.channel"]},
                "status": {},
            },
        },
        "ticket_event": {
            "title": "one row per change",
            "names": ["events", "ticket_history"],
            "columns": {
                "ticket_id": {"required": True},
                "at": {"kind": "timestamp", "required": True, "aliases": ["changed_at"]},
                "field": {"required": True},
                "value": {},
                "minutes": {"kind": "integer"},
            },
        },
        "company": {
            "title": "one row per company",
            "names": ["companies", "account"],
            "columns": {"id": {"required": True}, "name": {"required": True}, "domain": {}, "plan": {}},
        },
        "note": {"title": "one row per note", "columns": {"id": {"required": True}, "text": {"required": True}}},
    },
    "tables": {
        "tickets": {"from": ["ticket"]},
        "ticket_events": {"from": ["ticket", "ticket_event"]},
        "accounts": {"from": ["company"]},
    },
    "never_in_rules": {"satisfaction": "known after the end", "ticket.closed_by": "known after the end"},
    "assumptions": ["none"],
}
HELPDESK_SQL = {
    "tickets": """-- Grain: one row per ticket.
SELECT t.id AS ticket_id, t.created_at, t.company_id AS account_id, c.plan AS category, t.priority AS priority_at_creation,
    t.via_channel AS channel, t.status, t.extra AS custom
FROM src_ticket AS t LEFT JOIN src_company AS c ON c.id = t.company_id ORDER BY t.row_no""",
    "ticket_events": """-- Grain: one row per change.
SELECT ticket_id || ':' || row_no AS event_id, ticket_id, "at", row_no AS seq, 'field' AS kind, field, value AS new_value
FROM src_ticket_event ORDER BY "at" DESC, row_no""",
    "accounts": """-- Grain: one row per company.
SELECT id AS account_id, name, domain, (SELECT timezone FROM src_call) AS timezone,
    (SELECT snapshot_at FROM src_call) AS valid_from FROM src_company ORDER BY row_no""",
    "notices": """-- Grain: one sentence a row.
SELECT 1 AS place, format('{} notes', count(*)) AS notice FROM src_note HAVING count(*) > 0""",
}
SHOP: dict[str, Any] = {
    **HELPDESK,
    "name": "shop",
    "title": "A made-up shop",
    "objects": {
        "purchase": {
            "title": "one row per purchase",
            "names": ["purchases"],
            "columns": {
                "id": {"required": True}, "bought_at": {"kind": "timestamp", "required": True}, "buyer": {"required": True},
                "total": {"kind": "integer"}, "currency": {},
            },
        },
        "person": {"title": "one row per person", "columns": {"id": {"required": True}, "name": {"required": True}, "born": {}}},
    },
    "tables": {"invoices": {"from": ["purchase"]}},
    "never_in_rules": {},
}  # fmt: skip
SHOP_SQL = {
    "invoices": """-- Grain: one row per purchase.
SELECT id AS invoice_id, buyer AS account_id, bought_at AS issued_at, total AS total_minor, currency
FROM src_purchase ORDER BY row_no""",
}


def write_source(folder: Path, data: dict[str, Any], queries: dict[str, str]) -> None:
    """Write a mapping into a folder; what its queries do not give is said to be not derived."""
    import duckdb
    from ruamel.yaml import YAML

    place = folder / str(data["name"])
    place.mkdir(parents=True)
    for name, sql in queries.items():
        (place / f"{name}.sql").write_text(sql, encoding="utf-8")
    tables = {}
    with duckdb.connect() as con:
        _empty_views(con, data)
        for name, spec in data["tables"].items():
            given = {column for column, *_ in con.execute(f"DESCRIBE {queries[name]}").fetchall()}
            columns = [column.name for column in CANONICAL[name].columns]
            tables[name] = {
                **spec,
                "columns": {column: "from the export" for column in columns if column in given},
                "not_derived": {column: "the export has none" for column in columns if column not in given},
            }
    with (place / "mapping.yaml").open("w", encoding="utf-8") as out:
        YAML().dump({**data, "tables": tables}, out)


def _empty_views(con: Any, data: dict[str, Any]) -> None:
    """Make the views that the queries read, so that their columns can be asked."""
    con.execute("CREATE VIEW src_call AS SELECT now()::TIMESTAMP AS snapshot_at, '' AS timezone")
    kinds = {"timestamp": "TIMESTAMP", "integer": "BIGINT"}
    for name, spec in data["objects"].items():
        columns = [
            f'NULL::{kinds.get(str((column or {}).get("kind")), "VARCHAR")} AS "{key}"'
            for key, column in spec["columns"].items()
        ]
        columns += ["NULL::BIGINT AS row_no", "NULL::INTEGER AS file_no", "NULL::VARCHAR AS extra"]
        con.execute(f"CREATE VIEW src_{name} AS SELECT {', '.join(columns)}")
