SELECT c.Certificate AS certificate
FROM erasure_certificates AS c
WHERE startsWith(c.ErasureId, {id:String})
ORDER BY c.DoneAt DESC
LIMIT 2
