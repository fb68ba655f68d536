-- The same by conversation: foreign spans that name the conversation but no agent or user, in
-- whatever trace they came. A view of its own, because each can then be read by its own index.
CREATE OR REPLACE VIEW {here}.{view audit_conversations} SQL SECURITY INVOKER AS
SELECT
    r.* REPLACE
    (
        if(r.AgentId != '', r.AgentId, c.ConversationAgentId) AS AgentId,
        if(r.AgentId != '', r.AgentName, c.ConversationAgentName) AS AgentName,
        multiIf(r.AgentId != '', r.AgentProvenance, c.ConversationAgentId != '', 'derived', '')
            AS AgentProvenance,
        if(r.UserId != '', r.UserId, c.ConversationUserId) AS UserId,
        multiIf(r.UserId != '', r.UserProvenance, c.ConversationUserId != '', 'derived', '')
            AS UserProvenance
    ),
    (r.AgentId = '' AND c.ConversationAgentId != '')
        OR (r.UserId = '' AND c.ConversationUserId != '') AS Completed
FROM {here}.audit AS r
{global}LEFT JOIN
(
    SELECT
        ConversationId,
        argMinIf(AgentId, Timestamp, AgentId != '') AS ConversationAgentId,
        argMinIf(AgentName, Timestamp, AgentId != '') AS ConversationAgentName,
        argMinIf(UserId, Timestamp, UserId != '') AS ConversationUserId
    FROM {base}.audit_records
    WHERE ConversationId != ''
    GROUP BY ConversationId
) AS c ON r.ConversationId = c.ConversationId
WHERE r.ConversationId != '';
