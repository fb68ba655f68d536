-- group: checks
-- title: What modified data of a class
-- asks: All agent actions that modified customer data.
-- param data_class String: the class of data as the tool catalogue names it, for example customer
SELECT Timestamp, AgentId, UserId, ToolName, Effect, TargetType, TargetId, DataSubjectIds,
       PolicyOutcome, OutcomeStatus, Summary, RecordId
FROM audit
WHERE RecordKind = 'action' AND DataClass = {data_class:String}
  -- What is not known to be a read may have changed data.
  AND Effect IN ('write', 'destructive', 'external', 'unknown')
  AND OutcomeStatus NOT IN ('denied')
  AND ((Timestamp >= {since:DateTime64(9, 'UTC')} AND Timestamp < {until:DateTime64(9, 'UTC')})
    OR (ReceivedAt >= {since:DateTime64(9, 'UTC')} AND ReceivedAt < {until:DateTime64(9, 'UTC')}))
ORDER BY Timestamp, RecordId
