-- group: checks
-- title: Reviews
-- asks: Who reviewed which record when, and what did they say? The latest of a record counts.
SELECT v.ReviewedAt, v.RecordId, v.AgentId, v.Verdict, v.Closed, v.ReviewedBy,
       v.ReviewedByProvenance, v.Method, v.ReviewRequired,
       v.ReviewId = last.ReviewId AS Counts, v.ReviewId
FROM reviews AS v
LEFT JOIN (
    SELECT RecordId, argMax(ReviewId, (ReviewedAt, ReviewId)) AS ReviewId
    FROM reviews
    GROUP BY RecordId
) AS last ON last.RecordId = v.RecordId
WHERE v.ReviewedAt >= {since:DateTime64(9, 'UTC')} AND v.ReviewedAt < {until:DateTime64(9, 'UTC')}
ORDER BY v.ReviewedAt, v.ReviewId
