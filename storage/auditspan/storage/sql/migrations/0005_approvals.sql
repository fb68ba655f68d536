-- Who consented to a version of the registry, which proposal that was, and what changed.
--
-- OnBehalfOf: a name that the requester gave, a claim. Findings: what is wrong with the way it was
-- decided, as `change.self_approved`. Changes: one line a difference, as `added agent billing-bot`.
ALTER TABLE {both registry_versions}
    ADD COLUMN IF NOT EXISTS OnBehalfOf String AFTER RequestedByProvenance,
    ADD COLUMN IF NOT EXISTS ApprovedBy String AFTER OnBehalfOf,
    ADD COLUMN IF NOT EXISTS Proposal String AFTER ApprovedBy,
    ADD COLUMN IF NOT EXISTS Findings Array(LowCardinality(String)) AFTER Proposal,
    ADD COLUMN IF NOT EXISTS Changes Array(String) AFTER Findings;

ALTER TABLE {both policy_versions}
    ADD COLUMN IF NOT EXISTS ApprovedBy String AFTER RequestedBy;
