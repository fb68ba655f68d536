-- group: risk
-- title: Calls that were decided and never ended
-- asks: Which calls were allowed, and nobody knows what came of them?
SELECT Timestamp, AgentId, UserId, ToolName, Effect, TargetType, TargetId, PolicyOutcome, PolicyRuleIds,
       InstanceId, Summary, TraceId, RecordId
FROM audit
WHERE RecordKind = 'decision' AND OutcomeStatus = 'pending'
  AND ((Timestamp >= {since:DateTime64(9, 'UTC')} AND Timestamp < {until:DateTime64(9, 'UTC')})
    OR (ReceivedAt >= {since:DateTime64(9, 'UTC')} AND ReceivedAt < {until:DateTime64(9, 'UTC')}))
  -- One that ended after all has a record of its end with the same span.
  AND (TraceId, SpanId) NOT IN (SELECT TraceId, SpanId FROM audit WHERE RecordKind = 'action')
ORDER BY Timestamp, RecordId
