-- group: policy
-- title: What ran against the policy
-- asks: Which actions did policy forbid that nobody stopped?
SELECT Timestamp, AgentId, UserId, ToolName, TargetId, PolicyOutcome, PolicyRuleIds, PolicyReason,
       Findings, Severity, OutcomeStatus, RecordId
FROM audit
WHERE RecordKind = 'action'
  AND hasAny(Findings, ['policy.violation', 'policy.bypass', 'policy.stale', 'policy.unguarded', 'approval.missing'])
  AND ((Timestamp >= {since:DateTime64(9, 'UTC')} AND Timestamp < {until:DateTime64(9, 'UTC')})
    OR (ReceivedAt >= {since:DateTime64(9, 'UTC')} AND ReceivedAt < {until:DateTime64(9, 'UTC')}))
ORDER BY Severity DESC, Timestamp, RecordId
