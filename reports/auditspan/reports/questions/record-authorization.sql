-- group: checks
-- title: Who authorized one record
-- asks: From a single record: who authorized this class of action, until when, with what scope?
-- param record String: the record's id
SELECT r.RecordId, r.AgentId, r.Operation, r.ToolName, r.UserId, r.UserProvenance,
       r.GrantId, r.AuthorizedBy, g.Grantor AS Grantor,
       if(g.GrantId = '', NULL, g.GrantedAt) AS GrantedAt, if(g.GrantId = '', NULL, g.ExpiresAt) AS ExpiresAt,
       g.Operations, g.Tools, g.Targets, g.Environments AS GrantEnvironments, g.Purpose AS GrantPurpose,
       g.Ticket AS GrantTicket, g.Approvals,
       r.PolicyOutcome, r.PolicyRuleIds, r.PolicyVersion, r.Findings
FROM audit AS r
LEFT JOIN (SELECT * FROM grants ORDER BY AppliedAt DESC LIMIT 1 BY GrantId, RegistryVersion) AS g
    ON g.GrantId = r.GrantId AND g.RegistryVersion = r.RegistryVersion
WHERE r.RecordId = {record:String}
