-- group: checks
-- title: What is kept, and until when
-- asks: Can retention, search and a stable format be demonstrated?
SELECT RetentionClass, count() AS Records, min(Timestamp) AS Oldest, max(Timestamp) AS Newest,
       minIf(ExpiresOn, toInt32(ExpiresOn) > 0) AS FirstExpiry, max(ExpiresOn) AS LastExpiry,
       countIf(toInt32(ExpiresOn) > 0 AND ExpiresOn <= toDate32(today())) AS Overdue,
       groupUniqArray(20)(SchemaVersion) AS Formats
FROM audit
WHERE ((Timestamp >= {since:DateTime64(9, 'UTC')} AND Timestamp < {until:DateTime64(9, 'UTC')})
    OR (ReceivedAt >= {since:DateTime64(9, 'UTC')} AND ReceivedAt < {until:DateTime64(9, 'UTC')}))
GROUP BY RetentionClass ORDER BY RetentionClass
