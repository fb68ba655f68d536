SELECT r.RecordId AS record_id, r.RecordKind AS kind, r.Operation AS operation,
       r.OutcomeStatus AS outcome, r.Severity AS severity, r.ReviewRequired AS review_required,
       toUnixTimestamp64Nano(r.Timestamp) AS at_ns, r.AgentId AS agent_id,
       r.AgentOwner AS agent_owner, r.AgentOwnerEmail AS agent_owner_email,
       r.PrincipalId AS principal_id, r.UserId AS user_id, r.UserProvenance AS user_provenance,
       r.UserEmail AS user_email, r.OauthSubject AS user_subject, r.DelegationChain AS delegation_chain,
       if(r.RecordKind = 'control', r.AuthorizedBy, '') AS approved_by, r.Approver AS approver
FROM audit_records AS r
WHERE r.RecordId = {record_id:String}
LIMIT 1
