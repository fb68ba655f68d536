-- Sealed records (docs/integrity-format.md): where a record stands in its log and the salt of its
-- digests, the logs themselves, and their signed checkpoints.
--
-- ExpiresOn was computed from a map; as a column of the core it stays when the maps are erased.
ALTER TABLE {both audit_records} DROP COLUMN IF EXISTS ExpiresOn;

ALTER TABLE {both audit_records}
    ADD COLUMN IF NOT EXISTS ExpiresOn Date32 CODEC(Delta(4), ZSTD(1)) AFTER RetentionClass,
    ADD COLUMN IF NOT EXISTS LogId LowCardinality(String) AFTER ExpiresOn,
    ADD COLUMN IF NOT EXISTS LogIndex UInt64 CODEC(T64, ZSTD(1)) AFTER LogId,
    ADD COLUMN IF NOT EXISTS SealedAt DateTime64(9, 'UTC') CODEC(Delta(8), ZSTD(1)) AFTER LogIndex,
    ADD COLUMN IF NOT EXISTS RecordSalt FixedString(16) CODEC(NONE) AFTER Derived,
    ADD COLUMN IF NOT EXISTS GroupSalts Map(LowCardinality(String), FixedString(16)) CODEC(ZSTD(1))
        AFTER RecordSalt,
    ADD COLUMN IF NOT EXISTS Redacted Map(LowCardinality(String), FixedString(32)) CODEC(ZSTD(1))
        AFTER GroupSalts;

ALTER TABLE {local audit_records}
    ADD INDEX IF NOT EXISTS idx_log LogIndex TYPE minmax GRANULARITY 1;

-- One row an entry of a log: its 38 bytes are Version, Kind, ExpiresOn (days since 1970-01-01,
-- big-endian, 0 is never) and Content. No TTL: the seal of a record outlives it.
CREATE TABLE IF NOT EXISTS {local audit_seals}
(
    LogId LowCardinality(String),
    LogIndex UInt64 CODEC(Delta(8), ZSTD(1)),
    Version UInt8,
    Kind UInt8,
    ExpiresOn UInt32 CODEC(Delta(4), ZSTD(1)),
    Content FixedString(32) CODEC(NONE)
)
ENGINE = {engine} PARTITION BY LogId ORDER BY LogIndex SETTINGS {durable};

-- The bodies of entries that are no records, as they were sealed.
CREATE TABLE IF NOT EXISTS {local audit_log_entries}
(
    LogId LowCardinality(String),
    LogIndex UInt64,
    Kind UInt8,
    Body String CODEC(ZSTD(1))
)
ENGINE = {engine} ORDER BY (LogId, LogIndex) SETTINGS {durable};

-- Signed notes of the trees, as https://c2sp.org/tlog-checkpoint has them.
CREATE TABLE IF NOT EXISTS {local audit_checkpoints}
(
    LogId LowCardinality(String),
    Size UInt64,
    Root FixedString(32) CODEC(NONE),
    SignedAt DateTime64(3, 'UTC'),
    Note String CODEC(ZSTD(1))
)
ENGINE = {engine} ORDER BY (LogId, Size, SignedAt) SETTINGS {durable};

-- Columns that moved to other integrity groups stand where their groups do. Sealing began with this
-- migration, so no sealed record knows the old groups.
ALTER TABLE {both audit_records}
    MODIFY COLUMN IF EXISTS PrincipalId LowCardinality(String) AFTER SealedAt,
    MODIFY COLUMN IF EXISTS SpanName LowCardinality(String) AFTER Purpose,
    MODIFY COLUMN IF EXISTS ServiceName LowCardinality(String) AFTER SpanName,
    MODIFY COLUMN IF EXISTS AgentName LowCardinality(String) AFTER ServiceName,
    MODIFY COLUMN IF EXISTS Environment LowCardinality(String) AFTER AgentName,
    MODIFY COLUMN IF EXISTS ErrorType LowCardinality(String) AFTER Environment,
    MODIFY COLUMN IF EXISTS Operation LowCardinality(String) AFTER ErrorType,
    MODIFY COLUMN IF EXISTS ToolName LowCardinality(String) AFTER Operation,
    MODIFY COLUMN IF EXISTS TargetType LowCardinality(String) AFTER ToolName,
    MODIFY COLUMN IF EXISTS ModelName LowCardinality(String) AFTER TargetType,
    MODIFY COLUMN IF EXISTS ArgumentsHash String AFTER ToolArguments,
    MODIFY COLUMN IF EXISTS ResultHash String AFTER ToolResult,
    MODIFY COLUMN IF EXISTS RequestDigest LowCardinality(String) AFTER Summary;
