-- `system.tables`: our views and nothing else. Their text is left out, it names base tables.
CREATE OR REPLACE VIEW {here}.{view system_tables} SQL SECURITY INVOKER AS
SELECT
    '{base}' AS database,
    t.name AS name,
    t.name AS table,
    t.engine AS engine,
    t.engine AS engine_full,
    t.is_temporary AS is_temporary,
    t.metadata_modification_time AS metadata_modification_time,
    t.comment AS comment,
    t.partition_key AS partition_key,
    t.sorting_key AS sorting_key,
    t.primary_key AS primary_key,
    t.sampling_key AS sampling_key,
    t.storage_policy AS storage_policy,
    t.total_rows AS total_rows,
    t.total_bytes AS total_bytes,
    t.has_own_data AS has_own_data,
    '' AS create_table_query,
    '' AS as_select
FROM system.tables AS t
WHERE t.database = '{here}' AND NOT startsWith(t.name, 'system_');
