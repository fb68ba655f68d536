-- group: policy
-- title: How the registry changed
-- asks: Policy changes: when, what changed, who asked, who approved, why?
SELECT AppliedAt, Version, PolicyVersion, Changes, RequestedBy, ApprovedBy, Findings, Ticket, Reason
FROM registry_versions
WHERE AppliedAt >= {since:DateTime64(9, 'UTC')} AND AppliedAt < {until:DateTime64(9, 'UTC')}
ORDER BY AppliedAt
