SELECT RecordId AS id
FROM audit_records
WHERE RecordKind = 'control' AND Operation = 'store.read'
  AND arrayExists(v -> position(Derived['audit.control.body'], v) > 0, {values:Array(String)})
ORDER BY Timestamp, RecordId
LIMIT {limit:UInt32}
