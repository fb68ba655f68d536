-- group: risk
-- title: What was done in a person's name
-- asks: What did agents do for this user, and was the user proved?
-- param user String: the user's id
SELECT Timestamp, AgentId, UserProvenance, ActionType, ToolName, TargetType, TargetId, GrantId,
       PolicyOutcome, OutcomeStatus, Summary, RecordId
FROM audit
WHERE UserId = {user:String} AND ((Timestamp >= {since:DateTime64(9, 'UTC')} AND Timestamp < {until:DateTime64(9, 'UTC')})
    OR (ReceivedAt >= {since:DateTime64(9, 'UTC')} AND ReceivedAt < {until:DateTime64(9, 'UTC')}))
ORDER BY Timestamp, RecordId
