SELECT LetterId AS id, min(toUnixTimestamp64Nano(ReceivedAt)) AS received_at_ns,
       any(PrincipalId) AS principal, any(Stage) AS stage, any(Bytes) AS bytes,
       any(RequestDigest) AS request_digest, toString(any(ExpiresOn)) AS expires_on,
       LetterId IN (SELECT LetterId FROM dead_letter_ends) AS ended
FROM dead_letters
WHERE LetterId != '' AND ({id:String} = '' OR LetterId = {id:String})
GROUP BY LetterId
ORDER BY received_at_ns, id
LIMIT 10000
