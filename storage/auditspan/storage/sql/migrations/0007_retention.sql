-- Records go when their day of expiry has come, unless a legal hold keeps them
-- (docs/erasure-and-retention.md).
--
-- A part holds one day and one retention class, so its records expire together and it is dropped
-- whole. Only a part in which a hold keeps some records is written anew without the others, which
-- ttl_only_drop_parts would not do. The hold stands in the expression itself: a WHERE beside it
-- would not be looked at when a part is dropped.
ALTER TABLE {both audit_records}
    ADD COLUMN IF NOT EXISTS Held UInt8 AFTER Redacted;

ALTER TABLE {local audit_records} MODIFY SETTING ttl_only_drop_parts = 0;

ALTER TABLE {local audit_records} MODIFY TTL
    if(Held != 0 OR ExpiresOn = toDate32(0), toDateTime(4294967295, 'UTC'),
       toDateTime(least(toUInt64(toInt32(ExpiresOn)) * 86400, 4294967295), 'UTC')) DELETE;

ALTER TABLE {both erasures}
    ADD COLUMN IF NOT EXISTS ApprovedBy String AFTER RequestedBy,
    ADD COLUMN IF NOT EXISTS Ticket String AFTER ApprovedBy,
    ADD COLUMN IF NOT EXISTS Proposal String AFTER Ticket,
    ADD COLUMN IF NOT EXISTS LogId LowCardinality(String) AFTER RecordId,
    ADD COLUMN IF NOT EXISTS LogIndex UInt64 AFTER LogId;

-- What an erasure that is done proves; one that has none is under way.
CREATE TABLE IF NOT EXISTS {local erasure_certificates}
(
    ErasureId String,
    BatchId LowCardinality(String),
    DoneAt DateTime64(9, 'UTC'),
    Certificate String CODEC(ZSTD(1))
)
ENGINE = {engine} ORDER BY (ErasureId, BatchId) SETTINGS {durable};

-- Which records are held, made anew by each run: the mutation that marks them names no filter.
CREATE TABLE IF NOT EXISTS {local held_records}
(
    Run UInt64,
    RecordId String
)
ENGINE = {engine} ORDER BY (Run, RecordId) SETTINGS {durable};
