-- group: checks
-- title: Reconstruct an incident
-- asks: From the trail alone: what triggered it, what allowed it, what was done, what followed?
-- param conversation String: the conversation's id
SELECT Timestamp, ReceivedAt, ActionType, AgentId, UserId, Trigger, Ticket,
       Operation, ToolName, Effect, TargetType, TargetId, GrantId, PolicyOutcome, PolicyRuleIds,
       PolicyReason, PolicyVersion, Enforcement, OutcomeStatus, ErrorType, Findings, Severity,
       Summary, TraceId, SpanId, ParentSpanId, RecordId
FROM audit
WHERE ConversationId = {conversation:String}
   OR (ConversationId = '' AND TraceId != '' AND TraceId IN (
        SELECT TraceId FROM audit WHERE ConversationId = {conversation:String}))
ORDER BY Timestamp, RecordId
