-- group: checks
-- title: What needed human review and did not get it
-- asks: All actions that needed human review and did not get it.
SELECT r.Timestamp, r.AgentId, r.UserId, r.ToolName, r.TargetId, r.OutcomeStatus, r.PolicyRuleIds,
       r.Severity, dateDiff('hour', r.ReceivedAt, now64(9, 'UTC')) AS HoursWaiting,
       v.LastVerdict, v.LastReviewedBy, r.Summary, r.RecordId
FROM audit AS r
LEFT JOIN (
    SELECT RecordId, argMax(Closed, (ReviewedAt, ReviewId)) AS LastClosed,
           argMax(Verdict, (ReviewedAt, ReviewId)) AS LastVerdict,
           argMax(ReviewedBy, (ReviewedAt, ReviewId)) AS LastReviewedBy
    FROM reviews
    GROUP BY RecordId
) AS v ON v.RecordId = r.RecordId
WHERE r.ReviewRequired AND NOT ifNull(v.LastClosed, false)
  AND ((r.Timestamp >= {since:DateTime64(9, 'UTC')} AND r.Timestamp < {until:DateTime64(9, 'UTC')})
    OR (r.ReceivedAt >= {since:DateTime64(9, 'UTC')} AND r.ReceivedAt < {until:DateTime64(9, 'UTC')}))
ORDER BY r.ReceivedAt, r.RecordId
