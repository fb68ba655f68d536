-- group: checks
-- title: What needed human review and did not get it
-- asks: All actions that needed human review and did not get it.
SELECT r.Timestamp, r.AgentId, r.UserId, r.ToolName, r.TargetId, r.PolicyRuleIds, r.Severity,
       dateDiff('hour', r.Timestamp, now64(9, 'UTC')) AS HoursWaiting, r.Summary, r.RecordId
FROM audit_records AS r
LEFT ANTI JOIN reviews AS v ON v.RecordId = r.RecordId
WHERE r.RecordKind = 'action' AND r.ReviewRequired AND r.OutcomeStatus != 'denied'
  AND ((r.Timestamp >= {since:DateTime64(9, 'UTC')} AND r.Timestamp < {until:DateTime64(9, 'UTC')})
    OR (r.ReceivedAt >= {since:DateTime64(9, 'UTC')} AND r.ReceivedAt < {until:DateTime64(9, 'UTC')}))
ORDER BY r.Severity DESC, r.Timestamp, r.RecordId
