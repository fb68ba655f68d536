SELECT e.ErasureId AS id, min(toUnixTimestamp64Nano(e.ErasedAt)) AS at_ns,
       any(e.RequestedBy) AS requested_by, any(e.ApprovedBy) AS approved_by,
       any(e.Ticket) AS ticket, uniqExact(e.RecordId) AS records,
       arraySort(groupUniqArrayArray(e.Groups)) AS groups,
       e.ErasureId IN (SELECT ErasureId FROM erasure_certificates) AS done
FROM erasures AS e
GROUP BY e.ErasureId
ORDER BY at_ns, id
