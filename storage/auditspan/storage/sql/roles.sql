-- Roles on a ClickHouse server. Run by an administrator, once and again after each upgrade;
-- `auditspan` itself never grants. Each program and person gets a user with the roles it needs:
-- GRANT auditspan_writer, auditspan_repair TO collector_1;
--
-- reader        views of auditspan_reader: records without content; no row of who read what
-- investigator  views of auditspan_investigator: content too, no salts
-- writer        adds rows and reads them back to count them; cannot change or delete any
-- repair        deletes rows: of a batch whose count is wrong, and those that expire early by two
--               persons' decision; the collector uses it for nothing else
-- migrator      makes and alters tables and views; used at an upgrade, not while running
-- eraser        overwrites erasable columns, salts and marks of holds, and no column of the core; what
--               readers' statements and dead letters quote; writes certificates
--
-- Views run with the rights of who asks (SQL SECURITY INVOKER), so readers have rights on columns of
-- the tables themselves: on those that are no content, and on computed ones (`Reader…`) that show the
-- safe part of others. What a view's text got wrong, the rights still refuse.

-- Of earlier versions: it saw content.
DROP ROLE IF EXISTS auditspan_auditor{on};

CREATE ROLE IF NOT EXISTS auditspan_reader{on};
CREATE ROLE IF NOT EXISTS auditspan_investigator{on};
CREATE ROLE IF NOT EXISTS auditspan_writer{on};
CREATE ROLE IF NOT EXISTS auditspan_repair{on};
CREATE ROLE IF NOT EXISTS auditspan_migrator{on};
CREATE ROLE IF NOT EXISTS auditspan_eraser{on};

-- What an earlier version granted and this one does not is gone.
REVOKE{on} ALL ON *.* FROM auditspan_reader, auditspan_investigator;
GRANT{on} SELECT ON {database}_reader.* TO auditspan_reader;
GRANT{on} SELECT ON {database}_investigator.* TO auditspan_investigator;
{columns}
-- What clients ask of the schema; a server shows each user only what the user may see.
GRANT{on} SELECT ON system.one
    TO auditspan_reader, auditspan_investigator, auditspan_writer, auditspan_migrator;
GRANT{on} SELECT ON system.databases
    TO auditspan_reader, auditspan_investigator, auditspan_writer, auditspan_migrator;
GRANT{on} SELECT ON system.tables
    TO auditspan_reader, auditspan_investigator, auditspan_writer, auditspan_migrator;
GRANT{on} SELECT ON system.columns
    TO auditspan_reader, auditspan_investigator, auditspan_writer, auditspan_migrator;
GRANT{on} SELECT ON system.functions
    TO auditspan_reader, auditspan_investigator, auditspan_writer, auditspan_migrator;
GRANT{on} SELECT ON system.settings
    TO auditspan_reader, auditspan_investigator, auditspan_writer, auditspan_migrator;
GRANT{on} SELECT ON system.data_type_families
    TO auditspan_reader, auditspan_investigator, auditspan_writer, auditspan_migrator;

-- Who read what is for investigators: a reader sees no record of it, in no view and no table.
CREATE ROW POLICY OR REPLACE auditspan_no_reads{on} ON {database}.{each audit_records}
    FOR SELECT USING Operation NOT IN ({hidden}) TO auditspan_reader;
CREATE ROW POLICY OR REPLACE auditspan_all_rows{on} ON {database}.{each audit_records}
    FOR SELECT USING 1 TO ALL EXCEPT auditspan_reader;

-- readonly = 1 refuses every change and every setting but those that say otherwise; 0 would be
-- without limit, so the least is 1.
CREATE SETTINGS PROFILE OR REPLACE auditspan_reading{on} SETTINGS
    readonly = 1 CONST,
    allow_ddl = 0 CONST,
    allow_introspection_functions = 0 CONST,
    max_execution_time = 60 MIN 1 MAX 60 CHANGEABLE_IN_READONLY,
    max_memory_usage = 400000000 MIN 1 MAX 400000000 CHANGEABLE_IN_READONLY,
    max_result_bytes = 256000000 MIN 1 MAX 256000000 CHANGEABLE_IN_READONLY,
    max_threads = 2 MIN 1 MAX 2 CHANGEABLE_IN_READONLY,
    max_concurrent_queries_for_user = 8 CONST,
    max_temporary_data_on_disk_size_for_query = 1000000000 CONST,
    max_query_size = 262144 CONST,
    max_ast_depth = 1000 CONST,
    timeout_overflow_mode = 'throw' CONST,
    result_overflow_mode = 'throw' CONST
    TO auditspan_reader, auditspan_investigator;

CREATE QUOTA OR REPLACE auditspan_reading{on} KEYED BY user_name
    FOR INTERVAL 1 minute MAX queries = 600, execution_time = 120,
    FOR INTERVAL 1 day MAX query_selects = 100000, result_bytes = 50000000000
    TO auditspan_reader, auditspan_investigator;

GRANT{on} INSERT, SELECT ON {database}.* TO auditspan_writer;
-- The collector's endpoint runs checked statements of readers on these.
GRANT{on} SELECT ON {database}_reader.* TO auditspan_writer;
GRANT{on} SELECT ON {database}_investigator.* TO auditspan_writer;

GRANT{on} SELECT ON {database}.* TO auditspan_repair;
{repairs}
GRANT{on} CREATE DATABASE, CREATE TABLE, CREATE VIEW, DROP VIEW, ALTER ADD COLUMN,
    ALTER DROP COLUMN, ALTER MODIFY COLUMN, ALTER ADD INDEX, ALTER DROP INDEX, ALTER MODIFY SETTING,
    SELECT, INSERT ON {database}.* TO auditspan_migrator;
GRANT{on} CREATE DATABASE, CREATE VIEW, DROP VIEW, SELECT ON {database}_reader.*
    TO auditspan_migrator;
GRANT{on} CREATE DATABASE, CREATE VIEW, DROP VIEW, SELECT ON {database}_investigator.*
    TO auditspan_migrator;
GRANT{on} CREATE TABLE, DROP TABLE ON {database}.schema_lock TO auditspan_migrator;

GRANT{on} SELECT ON {database}.* TO auditspan_eraser;
GRANT{on} ALTER UPDATE({erasable}) ON {database}.{table audit_records} TO auditspan_eraser;
-- A read stays, and so does that there was a dead letter; what they quote goes.
GRANT{on} ALTER UPDATE(Statement, StatementHash, Params, Since, Until)
    ON {database}.{table access_log} TO auditspan_eraser;
GRANT{on} ALTER UPDATE(Reason, RequestDigest)
    ON {database}.{table dead_letters} TO auditspan_eraser;
GRANT{on} INSERT ON {database}.{table erasure_certificates} TO auditspan_eraser;
-- Which records are held is listed anew now and then.
GRANT{on} INSERT, ALTER DELETE ON {database}.{table held_records} TO auditspan_eraser;
