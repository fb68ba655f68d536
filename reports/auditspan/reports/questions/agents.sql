-- group: registry
-- title: Every agent, its owner and what it did
-- asks: Every agent in production, its identity, owner, purpose, and is it registered?
SELECT if(r.AgentId != '', r.AgentId, a.AgentId) AS Agent, a.AgentId != '' AS Registered,
       a.Owner, a.Purpose, a.RiskTier, a.Environments, r.Provenance, r.Actions, r.Denied, if(r.Actions = 0, NULL, r.LastSeen) AS LastSeen
FROM (
    SELECT AgentId, groupUniqArray(AgentProvenance) AS Provenance, count() AS Actions,
           countIf(OutcomeStatus = 'denied') AS Denied, max(Timestamp) AS LastSeen
    FROM audit
    WHERE RecordKind = 'action' AND ((Timestamp >= {since:DateTime64(9, 'UTC')} AND Timestamp < {until:DateTime64(9, 'UTC')})
    OR (ReceivedAt >= {since:DateTime64(9, 'UTC')} AND ReceivedAt < {until:DateTime64(9, 'UTC')}))
      -- What two libraries tell of one act counts once.
      AND RecordId NOT IN (SELECT RecordId FROM audit_duplicates WHERE TraceId IN (SELECT TraceId FROM audit
        WHERE (Timestamp >= {since:DateTime64(9, 'UTC')} AND Timestamp < {until:DateTime64(9, 'UTC')})
           OR (ReceivedAt >= {since:DateTime64(9, 'UTC')} AND ReceivedAt < {until:DateTime64(9, 'UTC')})))
    GROUP BY AgentId
) AS r
FULL OUTER JOIN (
    SELECT * FROM agents WHERE AppliedAt = (SELECT max(AppliedAt) FROM registry_versions)
) AS a ON a.AgentId = r.AgentId
ORDER BY Agent
