-- group: policy
-- title: How the registry changed
-- asks: Policy changes: when, what changed, who asked, why?
SELECT AppliedAt, Version, PolicyVersion, RequestedBy, Ticket, Reason
FROM registry_versions
WHERE AppliedAt >= {since:DateTime64(9, 'UTC')} AND AppliedAt < {until:DateTime64(9, 'UTC')}
ORDER BY AppliedAt
