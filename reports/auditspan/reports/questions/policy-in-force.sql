-- group: policy
-- title: The policy in force at a time
-- asks: What policy was in force on a date?
-- param at DateTime64(9, 'UTC'): the time
SELECT File, Text, PolicyVersion, AppliedAt, RequestedBy, ApprovedBy, Ticket, Reason
FROM policy_versions
WHERE AppliedAt = (SELECT max(AppliedAt) FROM registry_versions WHERE AppliedAt <= {at:DateTime64(9, 'UTC')})
ORDER BY File
