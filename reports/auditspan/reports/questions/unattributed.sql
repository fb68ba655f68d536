-- group: risk
-- title: Acts nobody is proved to be behind
-- asks: Ordinary logs answer "an API key did something": where is that still all we know?
SELECT AgentId, AgentProvenance, PrincipalId, UserProvenance, ServiceName, count() AS Actions,
       countIf(has(Findings, 'identity.unregistered')) AS Unregistered,
       countIf(has(Findings, 'identity.mismatch')) AS Mismatched
FROM audit
WHERE RecordKind = 'action' AND (AgentProvenance != 'verified' OR UserProvenance != 'verified')
  AND ((Timestamp >= {since:DateTime64(9, 'UTC')} AND Timestamp < {until:DateTime64(9, 'UTC')})
    OR (ReceivedAt >= {since:DateTime64(9, 'UTC')} AND ReceivedAt < {until:DateTime64(9, 'UTC')}))
GROUP BY ALL ORDER BY Actions DESC, AgentId, PrincipalId, ServiceName
