-- Dead letters have a class of retention and a day on which they go, and may be tried again.
ALTER TABLE {both dead_letters}
    ADD COLUMN IF NOT EXISTS LetterId String,
    ADD COLUMN IF NOT EXISTS RetentionClass LowCardinality(String),
    ADD COLUMN IF NOT EXISTS ExpiresOn Date32;

ALTER TABLE {local dead_letters} MODIFY TTL
    if(ExpiresOn = toDate32(0), toDateTime(4294967295, 'UTC'),
       toDateTime(least(toUInt64(toInt32(ExpiresOn)) * 86400, 4294967295), 'UTC')) DELETE;

-- One that was tried again and is stored: a row is part of the batch that has its records.
CREATE TABLE IF NOT EXISTS {local dead_letter_ends}
(
    LetterId String,
    EndedAt DateTime64(9, 'UTC'),
    Records UInt64,
    BatchId LowCardinality(String)
)
ENGINE = {engine} ORDER BY (LetterId, BatchId) SETTINGS {durable};
