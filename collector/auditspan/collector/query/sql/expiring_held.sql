SELECT RecordId AS id
FROM audit_records
WHERE LogId != '' AND RecordKind != 'control' AND /* filter */ AND /* hold */
ORDER BY LogId, LogIndex
LIMIT 1
