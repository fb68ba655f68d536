-- group: risk
-- title: Findings by kind
-- asks: What was found wrong, how bad is it, and where?
SELECT Finding, count() AS Records, max(Severity) AS HighestSeverity,
       groupUniqArray(20)(AgentId) AS Agents, min(Timestamp) AS First, max(Timestamp) AS Last
FROM audit ARRAY JOIN Findings AS Finding
WHERE ((Timestamp >= {since:DateTime64(9, 'UTC')} AND Timestamp < {until:DateTime64(9, 'UTC')})
    OR (ReceivedAt >= {since:DateTime64(9, 'UTC')} AND ReceivedAt < {until:DateTime64(9, 'UTC')}))
GROUP BY Finding ORDER BY HighestSeverity DESC, Records DESC, Finding
