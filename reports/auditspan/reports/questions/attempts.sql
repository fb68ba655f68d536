-- group: policy
-- title: Every attempt with its decision
-- asks: Is every attempt recorded with its decision, allowed and denied?
SELECT AgentId, ActionType, ToolName, PolicyOutcome, Enforcement, OutcomeStatus, count() AS Actions
FROM audit
WHERE RecordKind = 'action' AND ((Timestamp >= {since:DateTime64(9, 'UTC')} AND Timestamp < {until:DateTime64(9, 'UTC')})
    OR (ReceivedAt >= {since:DateTime64(9, 'UTC')} AND ReceivedAt < {until:DateTime64(9, 'UTC')}))
  -- What two libraries tell of one act counts once.
  AND RecordId NOT IN (SELECT RecordId FROM audit_duplicates WHERE TraceId IN (SELECT TraceId FROM audit
    WHERE (Timestamp >= {since:DateTime64(9, 'UTC')} AND Timestamp < {until:DateTime64(9, 'UTC')})
       OR (ReceivedAt >= {since:DateTime64(9, 'UTC')} AND ReceivedAt < {until:DateTime64(9, 'UTC')})))
GROUP BY ALL ORDER BY AgentId, ActionType, ToolName, PolicyOutcome, OutcomeStatus, Enforcement
