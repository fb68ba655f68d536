-- group: usage
-- title: Models, tokens and time
-- asks: Which models were used, by whom, and how much?
SELECT AgentId, Provider, ModelName, count() AS Calls, sum(InputTokens) AS TokensIn,
       sum(OutputTokens) AS TokensOut, round(quantileExact(0.5)(Duration) / 1e9, 3) AS MedianSeconds,
       countIf(OutcomeStatus = 'failure') AS Failed
FROM audit
WHERE ActionType = 'model.call' AND ((Timestamp >= {since:DateTime64(9, 'UTC')} AND Timestamp < {until:DateTime64(9, 'UTC')})
    OR (ReceivedAt >= {since:DateTime64(9, 'UTC')} AND ReceivedAt < {until:DateTime64(9, 'UTC')}))
  -- What two libraries tell of one act counts once.
  AND RecordId NOT IN (SELECT RecordId FROM audit_duplicates WHERE TraceId IN (SELECT TraceId FROM audit
    WHERE (Timestamp >= {since:DateTime64(9, 'UTC')} AND Timestamp < {until:DateTime64(9, 'UTC')})
       OR (ReceivedAt >= {since:DateTime64(9, 'UTC')} AND ReceivedAt < {until:DateTime64(9, 'UTC')})))
GROUP BY ALL ORDER BY Calls DESC, AgentId, ModelName
