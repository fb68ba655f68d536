-- group: registry
-- title: Agents against the tools they use
-- asks: Coverage: every agent against every system it reaches, and is each act attributed and judged?
SELECT AgentId, if(ToolServer != '', ToolServer, ServiceName) AS System, ToolName, Dialect,
       count() AS Actions, countIf(AgentProvenance = 'verified') AS AgentVerified,
       countIf(UserProvenance = 'verified') AS UserVerified,
       countIf(PolicyOutcome != 'not_evaluated') AS Judged, max(Timestamp) AS LastSeen
FROM audit
WHERE RecordKind = 'action' AND ToolName != ''
  AND ((Timestamp >= {since:DateTime64(9, 'UTC')} AND Timestamp < {until:DateTime64(9, 'UTC')})
    OR (ReceivedAt >= {since:DateTime64(9, 'UTC')} AND ReceivedAt < {until:DateTime64(9, 'UTC')}))
GROUP BY ALL ORDER BY AgentId, System, ToolName, Dialect
