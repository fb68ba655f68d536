SELECT r.* EXCEPT (RecordSalt, GroupSalts, Redacted), mapKeys(r.Redacted) AS Redacted
FROM audit_records AS r
WHERE r.RecordId IN {ids:Array(String)}
ORDER BY r.LogId, r.LogIndex, r.RecordId
