-- Records of an act that another record tells already: `CountsAs` is the one to count. Libraries have
-- spans of their own beside those of instrumentations, and a call that leaves the process is seen
-- there, too. Told from what senders say of one trace, never from likeness: the same span of a guarded
-- call (`audit.call.span.id`, and the parent of what a server received), the same call id or the same
-- response, from two different sources. Two records of one source are two acts. The guard's record
-- counts, then those of the instrumentations in the order of `Rank`.
CREATE OR REPLACE VIEW {here}.{view audit_duplicates} SQL SECURITY INVOKER AS
SELECT
    TraceId,
    Other.3 AS RecordId,
    argMin(Counted.3, Counted) AS CountsAs,
    argMin(Key, Counted) AS SharedKey
FROM
(
    SELECT
        TraceId,
        Key,
        Members[1] AS Counted,
        arrayJoin(arrayFilter(m -> m.4 != Counted.4, Members)) AS Other
    FROM
    (
        SELECT TraceId, Key, arraySort(groupArray((Rank, Timestamp, RecordId, Source))) AS Members
        FROM
        (
            SELECT
                r.TraceId AS TraceId,
                r.Timestamp AS Timestamp,
                r.RecordId AS RecordId,
                multiIf(
                    r.ScopeName = 'auditspan' AND r.SpanKind = 'Server', 'guard of the server',
                    r.ScopeName = 'auditspan' AND r.CallNested, 'guard, nested',
                    r.ScopeName = 'auditspan', 'guard',
                    concat(r.ScopeName, ' ', r.SpanKind)) AS Source,
                multiIf(
                    Source = 'guard', 0,
                    Source = 'guard, nested', 1,
                    Source = 'guard of the server', 8,
                    r.SpanKind = 'Server', 9,
                    position(r.ScopeName, 'genai') > 0, 2,
                    r.Dialect = 'openinference', 4,
                    r.Dialect = 'openllmetry', 5,
                    3) AS Rank,
                arrayJoin(arrayFilter(k -> not endsWith(k, ' '), if(r.ActionType = 'model.call',
                    [concat('response ', r.ResponseId)],
                    arrayMap(k -> if(endsWith(k, ' '), k, concat(r.ToolName, ' ', k)), [
                        concat('span ', r.SpanId),
                        concat('span ', r.CallSpanId),
                        concat('span ', if(r.SpanKind = 'Server', r.ParentSpanId, '')),
                        concat('call ', r.ToolCallId)])))) AS Key
            FROM {base}.audit_records AS r
            WHERE r.RecordKind = 'action' AND r.TraceId != ''
                AND r.ActionType IN ('tool.call', 'mcp.tools.call', 'model.call')
        )
        GROUP BY TraceId, Key
        HAVING count() > 1
    )
)
GROUP BY TraceId, RecordId;
