-- Spans that came more than once. The same content is a repeat that a sender's retry made with
-- another body; different content under one span id is worth a look.
CREATE OR REPLACE VIEW {here}.{view audit_repeats} AS
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
        TraceId, SpanId, ReceivedAt, RecordId,
        sipHash128(
            Timestamp, Duration, ParentSpanId, SpanName, SpanKind, StatusCode, StatusMessage,
            ResourceAttributes, SpanAttributes, Events, Links) AS Content
    FROM {base}.audit_records
    WHERE RecordKind = 'action' AND SpanId != ''
)
GROUP BY TraceId, SpanId
HAVING Records > 1;
