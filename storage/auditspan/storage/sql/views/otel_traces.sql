-- Exactly the columns of the OpenTelemetry Collector's ClickHouse exporter, with its types (times
-- say that they are UTC), so that Grafana's plugin and queries written for it work unchanged.
-- https://github.com/open-telemetry/opentelemetry-collector-contrib/tree/main/exporter/clickhouseexporter
-- Readers get the same columns without content: maps with the names that are none, no messages.
CREATE OR REPLACE VIEW {here}.{view otel_traces} SQL SECURITY INVOKER AS
SELECT
    r.Timestamp AS Timestamp,
    r.TraceId AS TraceId,
    r.SpanId AS SpanId,
    r.ParentSpanId AS ParentSpanId,
    {shown TraceState} AS TraceState,
    r.SpanName AS SpanName,
    r.SpanKind AS SpanKind,
    r.ServiceName AS ServiceName,
    {shown ResourceAttributes} AS ResourceAttributes,
    r.ScopeName AS ScopeName,
    r.ScopeVersion AS ScopeVersion,
    {shown SpanAttributes} AS SpanAttributes,
    r.Duration AS Duration,
    r.StatusCode AS StatusCode,
    {shown StatusMessage} AS StatusMessage,
    tupleElement({shown Events}, 'Timestamp') AS `Events.Timestamp`,
    tupleElement({shown Events}, 'Name') AS `Events.Name`,
    tupleElement({shown Events}, 'Attributes') AS `Events.Attributes`,
    tupleElement({shown Links}, 'TraceId') AS `Links.TraceId`,
    tupleElement({shown Links}, 'SpanId') AS `Links.SpanId`,
    tupleElement({shown Links}, 'TraceState') AS `Links.TraceState`,
    tupleElement({shown Links}, 'Attributes') AS `Links.Attributes`
FROM {base}.audit_records AS r
WHERE r.RecordKind = 'action';

CREATE OR REPLACE VIEW {here}.{view otel_traces_trace_id_ts} SQL SECURITY INVOKER AS
SELECT
    TraceId,
    toDateTime(min(Timestamp)) AS Start,
    toDateTime(max(Timestamp)) AS End
FROM {base}.audit_records
WHERE RecordKind = 'action'
GROUP BY TraceId;
