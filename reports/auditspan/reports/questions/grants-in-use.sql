-- group: registry
-- title: Grants, their expiry and use
-- asks: Which grants are in force, when do they end, and were they used?
SELECT g.GrantId, g.AgentId, g.Grantor, g.Purpose, g.GrantedAt, g.ExpiresAt,
       g.ExpiresAt < now64(9, 'UTC') AS Expired, g.Ticket, u.Actions,
       if(u.Actions = 0, NULL, u.LastUsed) AS LastUsed
FROM (SELECT * FROM grants WHERE AppliedAt = (SELECT max(AppliedAt) FROM registry_versions)) AS g
LEFT JOIN (
    SELECT GrantId, count() AS Actions, max(Timestamp) AS LastUsed
    FROM audit
    WHERE GrantId != '' AND ((Timestamp >= {since:DateTime64(9, 'UTC')} AND Timestamp < {until:DateTime64(9, 'UTC')})
    OR (ReceivedAt >= {since:DateTime64(9, 'UTC')} AND ReceivedAt < {until:DateTime64(9, 'UTC')}))
    GROUP BY GrantId
) AS u ON u.GrantId = g.GrantId
ORDER BY g.ExpiresAt, g.GrantId
