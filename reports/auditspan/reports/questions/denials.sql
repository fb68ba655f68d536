-- group: policy
-- title: What was stopped, when and by which rule
-- asks: Prove that a forbidden call was stopped, with time and rule.
SELECT Timestamp, AgentId, UserId, ToolName, TargetId, PolicyRuleIds, PolicyReason, PolicyVersion,
       DecisionPoint, GuardOutcome, GuardRuleIds, OutcomeStatus, RecordId
FROM audit
WHERE RecordKind = 'action' AND (OutcomeStatus = 'denied' OR Enforcement = 'block')
  AND ((Timestamp >= {since:DateTime64(9, 'UTC')} AND Timestamp < {until:DateTime64(9, 'UTC')})
    OR (ReceivedAt >= {since:DateTime64(9, 'UTC')} AND ReceivedAt < {until:DateTime64(9, 'UTC')}))
ORDER BY Timestamp, RecordId
