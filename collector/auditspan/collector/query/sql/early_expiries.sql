SELECT e.ExpiryId AS id, min(toUnixTimestamp64Nano(e.DecidedAt)) AS at_ns,
       any(e.RequestedBy) AS requested_by, any(e.ApprovedBy) AS approved_by,
       any(e.Ticket) AS ticket, uniqExact(e.LogId, e.Start) AS ranges,
       e.ExpiryId IN (SELECT ErasureId FROM erasure_certificates) AS done
FROM early_expiries AS e
GROUP BY e.ExpiryId
ORDER BY at_ns, id
