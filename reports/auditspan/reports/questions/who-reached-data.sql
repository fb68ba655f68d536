-- group: checks
-- title: Which people reached data of a class through an agent
-- asks: Which employee reached patient records through the assistant last Tuesday?
-- param data_class String: the class of data as the tool catalogue names it, for example patient
SELECT UserId, anyLast(UserEmail) AS Email, UserProvenance, AgentId,
       count() AS Actions, countIf(OutcomeStatus = 'denied') AS Denied,
       groupUniqArray(100)(ToolName) AS Tools, uniqExact(TargetId) AS Targets,
       min(Timestamp) AS First, max(Timestamp) AS Last
FROM audit
WHERE RecordKind = 'action' AND DataClass = {data_class:String}
  AND ((Timestamp >= {since:DateTime64(9, 'UTC')} AND Timestamp < {until:DateTime64(9, 'UTC')})
    OR (ReceivedAt >= {since:DateTime64(9, 'UTC')} AND ReceivedAt < {until:DateTime64(9, 'UTC')}))
GROUP BY UserId, UserProvenance, AgentId
ORDER BY Actions DESC, UserId, AgentId
