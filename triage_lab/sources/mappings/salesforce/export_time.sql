-- Grain: one row: as_of, when the export was taken, UTC: the snapshot, else the newest time of change in it.
SELECT coalesce(
    (SELECT max(snapshot_at) FROM src_call),
    greatest(
        (SELECT max(greatest(created_date, closed_date, last_modified_date, system_modstamp, fivetran_synced))
            FROM src_case),
        (SELECT max(created_date) FROM src_case_history),
        (
            SELECT max(greatest(start_date, completion_date, last_modified_date, system_modstamp, fivetran_synced))
            FROM src_case_milestone
        ),
        (SELECT max(greatest(created_date, last_modified_date, system_modstamp, fivetran_synced)) FROM src_account),
        (SELECT max(greatest(created_date, last_modified_date, system_modstamp, fivetran_synced)) FROM src_opportunity),
        (SELECT max(greatest(created_date, last_modified_date, system_modstamp, fivetran_synced)) FROM src_contract)
    )
) AS as_of
