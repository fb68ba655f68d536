-- What stands beside the records. Registry rows are derived from control records and kept in every
-- version, so that what was in force on a date is one query.
CREATE TABLE IF NOT EXISTS {local registry_versions}
(
    Version LowCardinality(String),
    AppliedAt DateTime64(9, 'UTC'),
    Bundle String CODEC(ZSTD(3)),
    RequestedBy String,
    RequestedByProvenance LowCardinality(String),
    PolicyVersion LowCardinality(String),
    Ticket String,
    Reason String,
    BatchId LowCardinality(String)
)
ENGINE = {engine} ORDER BY (AppliedAt, Version) SETTINGS {durable};

CREATE TABLE IF NOT EXISTS {local policy_versions}
(
    PolicyVersion LowCardinality(String),
    RegistryVersion LowCardinality(String),
    AppliedAt DateTime64(9, 'UTC'),
    File LowCardinality(String),
    Text String CODEC(ZSTD(3)),
    RequestedBy String,
    Ticket String,
    Reason String,
    BatchId LowCardinality(String)
)
ENGINE = {engine} ORDER BY (AppliedAt, PolicyVersion, File) SETTINGS {durable};

CREATE TABLE IF NOT EXISTS {local agents}
(
    AgentId LowCardinality(String),
    AgentName String,
    AgentVersion LowCardinality(String),
    Owner String,
    OwnerEmail String,
    Purpose String,
    RiskTier LowCardinality(String),
    Environments Array(LowCardinality(String)),
    Roles Array(LowCardinality(String)),
    Disabled Bool,
    SystemId LowCardinality(String),
    Definition String CODEC(ZSTD(3)),
    RegistryVersion LowCardinality(String),
    AppliedAt DateTime64(9, 'UTC'),
    BatchId LowCardinality(String)
)
ENGINE = {engine} ORDER BY (AppliedAt, AgentId) SETTINGS {durable};

CREATE TABLE IF NOT EXISTS {local tools}
(
    ToolName LowCardinality(String),
    Server LowCardinality(String),
    Version LowCardinality(String),
    Effect LowCardinality(String),
    TargetType LowCardinality(String),
    DataClass LowCardinality(String),
    ReviewRequired Bool,
    RetentionClass LowCardinality(String),
    SchemaHash String,
    DescriptionHash String,
    Definition String CODEC(ZSTD(3)),
    RegistryVersion LowCardinality(String),
    AppliedAt DateTime64(9, 'UTC'),
    BatchId LowCardinality(String)
)
ENGINE = {engine} ORDER BY (AppliedAt, ToolName) SETTINGS {durable};

CREATE TABLE IF NOT EXISTS {local grants}
(
    GrantId LowCardinality(String),
    AgentId LowCardinality(String),
    Grantor String,
    Users Array(String),
    Roles Array(LowCardinality(String)),
    Operations Array(LowCardinality(String)),
    Tools Array(LowCardinality(String)),
    Targets Array(String),
    Environments Array(LowCardinality(String)),
    Purpose String,
    GrantedAt DateTime64(9, 'UTC'),
    ExpiresAt DateTime64(9, 'UTC'),
    Approvals String,
    Ticket String,
    Definition String CODEC(ZSTD(3)),
    RegistryVersion LowCardinality(String),
    AppliedAt DateTime64(9, 'UTC'),
    BatchId LowCardinality(String)
)
ENGINE = {engine} ORDER BY (AppliedAt, GrantId) SETTINGS {durable};

CREATE TABLE IF NOT EXISTS {local detections}
(
    DetectionId String,
    DetectedAt DateTime64(9, 'UTC'),
    Rule LowCardinality(String),
    Severity UInt8,
    AgentId LowCardinality(String),
    RecordIds Array(String),
    WindowStart DateTime64(9, 'UTC'),
    WindowEnd DateTime64(9, 'UTC'),
    Details String
)
ENGINE = {engine} ORDER BY (DetectedAt, Rule) SETTINGS {durable};

CREATE TABLE IF NOT EXISTS {local reviews}
(
    ReviewId String,
    RecordId String,
    ReviewedAt DateTime64(9, 'UTC'),
    ReviewedBy String,
    Verdict LowCardinality(String),
    Comment String,
    BatchId LowCardinality(String),
    INDEX idx_record RecordId TYPE bloom_filter(0.01) GRANULARITY 1
)
ENGINE = {engine} ORDER BY (ReviewedAt, RecordId) SETTINGS {durable};

CREATE TABLE IF NOT EXISTS {local erasures}
(
    ErasureId String,
    RecordId String,
    Groups Array(LowCardinality(String)),
    RequestedAt DateTime64(9, 'UTC'),
    ErasedAt DateTime64(9, 'UTC'),
    RequestedBy String,
    LegalBasis LowCardinality(String),
    BatchId LowCardinality(String)
)
ENGINE = {engine} ORDER BY (ErasedAt, RecordId) SETTINGS {durable};

CREATE TABLE IF NOT EXISTS {local access_log}
(
    ReadAt DateTime64(9, 'UTC'),
    Reader String,
    Address String,
    Interface LowCardinality(String),
    Statement String CODEC(ZSTD(1)),
    Rows UInt64,
    Bytes UInt64,
    Duration UInt64,
    Code UInt32
)
ENGINE = {engine} PARTITION BY toYYYYMM(ReadAt) ORDER BY (ReadAt, Reader) SETTINGS {durable};

CREATE TABLE IF NOT EXISTS {local dead_letters}
(
    ReceivedAt DateTime64(9, 'UTC'),
    DeadAt DateTime64(9, 'UTC'),
    BatchId LowCardinality(String),
    RequestDigest String,
    PrincipalId LowCardinality(String),
    Stage LowCardinality(String),
    Reason String,
    Bytes UInt64,
    File String
)
ENGINE = {engine} PARTITION BY toYYYYMM(DeadAt) ORDER BY (DeadAt, BatchId) SETTINGS {durable};
