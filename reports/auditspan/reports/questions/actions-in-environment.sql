-- group: checks
-- title: Everything agents did in an environment
-- asks: All agent actions in production last quarter, without reading logs by hand.
-- param environment String: for example production
SELECT Timestamp, AgentId, UserId, ActionType, Operation, ToolName, Effect, TargetType, TargetId,
       PolicyOutcome, OutcomeStatus, Severity, Summary, RecordId
FROM audit
WHERE RecordKind = 'action' AND Environment = {environment:String}
  AND ((Timestamp >= {since:DateTime64(9, 'UTC')} AND Timestamp < {until:DateTime64(9, 'UTC')})
    OR (ReceivedAt >= {since:DateTime64(9, 'UTC')} AND ReceivedAt < {until:DateTime64(9, 'UTC')}))
ORDER BY Timestamp, RecordId
