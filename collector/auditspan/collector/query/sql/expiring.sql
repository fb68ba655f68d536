-- Ranges of the log in which every record fits; none of them is a record of who changed what.
SELECT log, min(at) AS start, max(at) + 1 AS end, count() AS records,
       min(first) AS since, max(first) AS until
FROM
(
    SELECT LogId AS log, LogIndex AS at, toString(ReceivedAt) AS first,
           LogIndex - row_number() OVER (PARTITION BY LogId ORDER BY LogIndex) AS island
    FROM audit_records
    WHERE LogId != '' AND RecordKind != 'control' AND /* filter */
)
GROUP BY log, island
ORDER BY log, start
LIMIT {limit:UInt32}
