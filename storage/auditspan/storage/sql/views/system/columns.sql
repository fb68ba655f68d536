-- `system.columns`: those of our views. Whoever reads all of `audit` gets the columns of reviews too.
CREATE OR REPLACE VIEW {here}.{view system_columns} SQL SECURITY INVOKER AS
SELECT
    '{base}' AS database,
    arrayJoin(if(c.table = 'audit_reviewed', ['audit', 'audit_reviewed'], [c.table])) AS table,
    c.name AS name,
    c.name AS column,
    c.type AS type,
    c.position AS position,
    '' AS default_kind,
    '' AS default_expression,
    c.comment AS comment,
    toUInt64(0) AS data_compressed_bytes,
    toUInt64(0) AS data_uncompressed_bytes,
    toUInt64(0) AS marks_bytes,
    toUInt8(0) AS is_in_partition_key,
    toUInt8(0) AS is_in_sorting_key,
    toUInt8(0) AS is_in_primary_key,
    toUInt8(0) AS is_in_sampling_key,
    '' AS compression_codec,
    c.character_octet_length AS character_octet_length,
    c.numeric_precision AS numeric_precision,
    c.numeric_precision_radix AS numeric_precision_radix,
    c.numeric_scale AS numeric_scale,
    c.datetime_precision AS datetime_precision
FROM system.columns AS c
WHERE c.database = '{here}' AND c.table != 'audit' AND NOT startsWith(c.table, 'system_');
