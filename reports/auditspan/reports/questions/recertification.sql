-- group: registry
-- title: Recertification by owners
-- asks: Which agents and grants did their owners confirm, and which did nobody answer for in time?
SELECT CampaignId, Item, anyIf(Owner, Event = 'asked') AS Owner,
       anyIf(RiskTier, Event = 'asked') AS RiskTier, minIf(At, Event = 'asked') AS AskedAt,
       max(DueAt) AS Due, argMaxIf(Verdict, At, Event = 'answered') AS Verdict,
       argMaxIf(AnsweredBy, At, Event = 'answered') AS AnsweredBy,
       argMaxIf(AnsweredAs, At, Event = 'answered') AS AnsweredAs,
       if(countIf(Event = 'answered') = 0, NULL, maxIf(At, Event = 'answered')) AS AnsweredAt,
       countIf(Event = 'overdue') > 0 AS Overdue
FROM recertifications
GROUP BY CampaignId, Item
HAVING AskedAt >= {since:DateTime64(9, 'UTC')} AND AskedAt < {until:DateTime64(9, 'UTC')}
ORDER BY AskedAt, Owner, Item
