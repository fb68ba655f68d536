-- Reviews by verified reviewers, and what owners say of their agents and grants. Both are derived
-- from control records, one row an event; the latest of a record or item counts, all are kept.
--
-- Closed: whether the verdict ends the need of a review. Comment: the reviewer's reason.
ALTER TABLE {both reviews}
    ADD COLUMN IF NOT EXISTS ReviewedByProvenance LowCardinality(String) DEFAULT 'claimed'
        AFTER ReviewedBy,
    ADD COLUMN IF NOT EXISTS Method LowCardinality(String) AFTER ReviewedByProvenance,
    ADD COLUMN IF NOT EXISTS Credential String AFTER Method,
    ADD COLUMN IF NOT EXISTS Closed Bool DEFAULT true AFTER Verdict,
    ADD COLUMN IF NOT EXISTS Ticket String AFTER Comment,
    ADD COLUMN IF NOT EXISTS AgentId LowCardinality(String) AFTER Ticket,
    ADD COLUMN IF NOT EXISTS ReviewRequired Bool AFTER AgentId;

-- Event: asked, answered or overdue. Item: agent:<id> or grant:<id>.
CREATE TABLE IF NOT EXISTS {local recertifications}
(
    CampaignId LowCardinality(String),
    Item String,
    Event LowCardinality(String),
    At DateTime64(9, 'UTC'),
    DueAt DateTime64(9, 'UTC'),
    Owner String,
    OwnerEmail String,
    RiskTier LowCardinality(String),
    ExpiresAt Nullable(DateTime64(9, 'UTC')),
    AskedBy String,
    Verdict LowCardinality(String),
    AnsweredBy String,
    AnsweredByProvenance LowCardinality(String),
    AnsweredAs LowCardinality(String),
    Method LowCardinality(String),
    Comment String,
    Ticket String,
    RegistryVersion LowCardinality(String),
    BatchId LowCardinality(String)
)
ENGINE = {engine} ORDER BY (CampaignId, Item, At) SETTINGS {durable};
