SELECT DISTINCT RequestDigest AS digest
FROM audit_records
WHERE RecordKind = 'control' AND RequestDigest IN {digests:Array(String)}
