-- Records that go before their sealed day (docs/erasure-and-retention.md): a row for each range of a
-- log, whether it is done yet or not. Like an erasure it is done when it has a certificate.
CREATE TABLE IF NOT EXISTS {local early_expiries}
(
    ExpiryId String,
    LogId LowCardinality(String),
    Start UInt64,
    End UInt64,
    DecidedAt DateTime64(9, 'UTC'),
    RequestedBy String,
    ApprovedBy String,
    Ticket String,
    Proposal String,
    BatchId LowCardinality(String)
)
ENGINE = {engine} ORDER BY (ExpiryId, LogId, Start) SETTINGS {durable};

-- Which groups somebody named: what else goes with them is no reason to look for it elsewhere.
ALTER TABLE {both erasures}
    ADD COLUMN IF NOT EXISTS Asked Array(LowCardinality(String)) AFTER Groups;
