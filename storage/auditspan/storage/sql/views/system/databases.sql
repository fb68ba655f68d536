-- `system.databases` as far as clients ask it (clickhouse-connect, Grafana's plugin, JDBC): the
-- database that holds a reader's views goes by the name of the store's.
CREATE OR REPLACE VIEW {here}.{view system_databases} SQL SECURITY INVOKER AS
SELECT '{base}' AS name, '{base}' AS database, 'Atomic' AS engine, 'Atomic' AS engine_full,
       '' AS comment, 0 AS is_external
FROM system.one;
