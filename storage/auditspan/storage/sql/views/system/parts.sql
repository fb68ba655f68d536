-- `system.parts`: views have none; clients that show sizes ask for them all the same.
CREATE OR REPLACE VIEW {here}.{view system_parts} SQL SECURITY INVOKER AS
SELECT
    '{base}' AS database, '' AS table, '' AS name, '' AS partition, toUInt8(1) AS active,
    toUInt64(0) AS rows, toUInt64(0) AS bytes, toUInt64(0) AS bytes_on_disk,
    toUInt64(0) AS data_compressed_bytes, toUInt64(0) AS data_uncompressed_bytes,
    toDateTime(0) AS modification_time
FROM system.one
WHERE 0;

CREATE OR REPLACE VIEW {here}.{view system_one} SQL SECURITY INVOKER AS
SELECT toUInt8(0) AS dummy;
