-- group: checks
-- title: What was done to somebody's data
-- asks: What did your AI do to our data?
-- param organization String: the organisation, tenant or target owner asking
SELECT Timestamp, ConversationId, AgentId, UserId, ActionType, ToolName, Effect, TargetType, TargetId,
       PolicyOutcome, PolicyRuleIds, OutcomeStatus, Summary, RecordId
FROM audit
WHERE RecordKind = 'action' AND OrganizationId = {organization:String}
  AND ((Timestamp >= {since:DateTime64(9, 'UTC')} AND Timestamp < {until:DateTime64(9, 'UTC')})
    OR (ReceivedAt >= {since:DateTime64(9, 'UTC')} AND ReceivedAt < {until:DateTime64(9, 'UTC')}))
ORDER BY ConversationId, Timestamp, RecordId
