-- group: checks
-- title: What was said in an incident
-- asks: In whose words was it asked for, what did the agent give as its reason, and what did the calls hold? For investigators.
-- param conversation String: the conversation's id
SELECT Timestamp, ActionType, AgentId, UserId, ToolName, Justification, Rationale, ToolArguments,
       ToolResult, ApprovalReason, GuardReason, StatusMessage, NextAction, TraceId, SpanId, RecordId
FROM audit
WHERE ConversationId = {conversation:String}
   OR (ConversationId = '' AND TraceId != '' AND TraceId IN (
        SELECT TraceId FROM audit WHERE ConversationId = {conversation:String}))
ORDER BY Timestamp, RecordId
