SELECT r.RecordId, r.LogId, r.LogIndex, r.BatchId, r.RequestDigest, r.RecordKind, r.Operation,
       r.Timestamp, r.TraceId, r.ConversationId, r.AgentId, r.PrincipalId, r.UserId,
       r.OrganizationId, r.SessionId, r.ToolName, r.TargetId, r.ServiceName, r.RetentionClass
FROM audit_records AS r
WHERE r.RequestDigest IN {digests:Array(String)}
ORDER BY r.LogId, r.LogIndex, r.RecordId
LIMIT {limit:UInt32}
