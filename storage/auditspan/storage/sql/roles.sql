-- Roles on a ClickHouse server. Run once by an administrator; `auditspan` itself never grants.
-- Each program gets a user with one of them: GRANT auditspan_writer TO collector_1;
--
-- writer    adds rows and reads them back to count them; cannot change or delete any
-- repair    deletes rows of a batch whose count is wrong; the collector uses it for nothing else
-- migrator  makes and alters tables and views; used at an upgrade, not while running
-- eraser    overwrites erasable columns, and no column of the core
-- auditor   reads views; sees no base table
CREATE ROLE IF NOT EXISTS auditspan_writer{on};
GRANT{on} INSERT, SELECT ON {database}.* TO auditspan_writer;

CREATE ROLE IF NOT EXISTS auditspan_repair{on};
GRANT{on} SELECT, ALTER DELETE ON {database}.{table audit_records} TO auditspan_repair;

CREATE ROLE IF NOT EXISTS auditspan_migrator{on};
GRANT{on} CREATE DATABASE, CREATE TABLE, CREATE VIEW, DROP VIEW, ALTER ADD COLUMN,
    ALTER MODIFY COLUMN, ALTER ADD INDEX, ALTER MODIFY SETTING, SELECT, INSERT
    ON {database}.* TO auditspan_migrator;
GRANT{on} CREATE TABLE, DROP TABLE ON {database}.schema_lock TO auditspan_migrator;
GRANT{on} SELECT ON system.tables TO auditspan_migrator;

CREATE ROLE IF NOT EXISTS auditspan_eraser{on};
GRANT{on} SELECT ON {database}.* TO auditspan_eraser;
GRANT{on} ALTER UPDATE(
    UserId, OrganizationId, SessionId, AuthorizedBy, Purpose, ToolArguments, ToolResult, TargetId,
    DataSubjectIds, StatusMessage, PolicyReason, Summary, ResourceAttributes, SpanAttributes,
    AttributeTypes, OtlpExtras, Events, Links, Derived)
    ON {database}.{table audit_records} TO auditspan_eraser;
GRANT{on} INSERT ON {database}.{table erasures} TO auditspan_eraser;

CREATE ROLE IF NOT EXISTS auditspan_auditor{on} SETTINGS readonly = 1 CONST;
GRANT{on} SELECT ON {database}.audit TO auditspan_auditor;
GRANT{on} SELECT ON {database}.audit_chain TO auditspan_auditor;
GRANT{on} SELECT ON {database}.audit_conversations TO auditspan_auditor;
GRANT{on} SELECT ON {database}.audit_repeats TO auditspan_auditor;
GRANT{on} SELECT ON {database}.otel_traces TO auditspan_auditor;
GRANT{on} SELECT ON {database}.otel_traces_trace_id_ts TO auditspan_auditor;
GRANT{on} SELECT ON {database}.agents TO auditspan_auditor;
GRANT{on} SELECT ON {database}.tools TO auditspan_auditor;
GRANT{on} SELECT ON {database}.grants TO auditspan_auditor;
GRANT{on} SELECT ON {database}.policy_versions TO auditspan_auditor;
GRANT{on} SELECT ON {database}.registry_versions TO auditspan_auditor;
GRANT{on} SELECT ON {database}.detections TO auditspan_auditor;
GRANT{on} SELECT ON {database}.reviews TO auditspan_auditor;
GRANT{on} SELECT ON {database}.erasures TO auditspan_auditor;
GRANT{on} SELECT ON {database}.dead_letters TO auditspan_auditor;
