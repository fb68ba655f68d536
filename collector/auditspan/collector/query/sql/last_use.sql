SELECT item, toUnixTimestamp64Nano(max(at)) AS at_ns,
       toUnixTimestamp64Nano(maxIf(at, proven)) AS proven_at_ns
FROM
(
    -- A sender's clock may be in the future; what it did is not.
    SELECT arrayJoin([concat('agent:', AgentId), if(GrantId = '', '', concat('grant:', GrantId))]) AS item,
           max(least(Timestamp, ReceivedAt)) AS at, AgentProvenance = 'verified' AS proven
    FROM audit_records
    WHERE RecordKind != 'control' AND AgentId != ''
    GROUP BY AgentId, GrantId, AgentProvenance
)
WHERE item != ''
GROUP BY item
