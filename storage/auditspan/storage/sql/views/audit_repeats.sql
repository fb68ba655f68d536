-- Spans that came more than once. The same content is a repeat that a sender's retry made with
-- another body; different content under one span id is worth a look. For readers, content counts by
-- its hashes.
CREATE OR REPLACE VIEW {here}.{view audit_repeats} SQL SECURITY INVOKER AS
SELECT
    TraceId,
    SpanId,
    count() AS Records,
    uniqExact(Content) AS Contents,
    min(ReceivedAt) AS FirstReceivedAt,
    max(ReceivedAt) AS LastReceivedAt,
    groupArray(RecordId) AS RecordIds
FROM
(
    SELECT
        r.TraceId AS TraceId,
        r.SpanId AS SpanId,
        r.ReceivedAt AS ReceivedAt,
        r.RecordId AS RecordId,
        sipHash128(
            r.Timestamp, r.Duration, r.ParentSpanId, r.SpanName, r.SpanKind, r.StatusCode,
            r.ArgumentsHash, r.ResultHash, {shown StatusMessage}, {shown ResourceAttributes},
            {shown SpanAttributes}, {shown Events}, {shown Links}) AS Content
    FROM {base}.audit_records AS r
    WHERE r.RecordKind = 'action' AND r.SpanId != ''
)
GROUP BY TraceId, SpanId
HAVING Records > 1;
