-- Records with what their trace says of them: spans of other software that name no agent, user or
-- conversation get those of the trace, and the row says that they are derived. The earliest record
-- that names one counts. Rows are never updated, so a root that arrives late completes them too.
CREATE OR REPLACE VIEW {here}.{view audit_chain} SQL SECURITY INVOKER AS
SELECT
    r.* REPLACE
    (
        if(r.AgentId != '', r.AgentId, t.TraceAgentId) AS AgentId,
        if(r.AgentId != '', r.AgentName, t.TraceAgentName) AS AgentName,
        multiIf(r.AgentId != '', r.AgentProvenance, t.TraceAgentId != '', 'derived', '') AS AgentProvenance,
        if(r.UserId != '', r.UserId, t.TraceUserId) AS UserId,
        multiIf(r.UserId != '', r.UserProvenance, t.TraceUserId != '', 'derived', '') AS UserProvenance,
        if(r.ConversationId != '', r.ConversationId, t.TraceConversationId) AS ConversationId
    ),
    (r.AgentId = '' AND t.TraceAgentId != '')
        OR (r.UserId = '' AND t.TraceUserId != '')
        OR (r.ConversationId = '' AND t.TraceConversationId != '') AS Completed
FROM {here}.audit AS r
{global}LEFT JOIN
(
    SELECT
        TraceId,
        argMinIf(AgentId, Timestamp, AgentId != '') AS TraceAgentId,
        argMinIf(AgentName, Timestamp, AgentId != '') AS TraceAgentName,
        argMinIf(UserId, Timestamp, UserId != '') AS TraceUserId,
        argMinIf(ConversationId, Timestamp, ConversationId != '') AS TraceConversationId
    FROM {base}.audit_records
    WHERE TraceId != ''
    GROUP BY TraceId
) AS t ON r.TraceId = t.TraceId;
