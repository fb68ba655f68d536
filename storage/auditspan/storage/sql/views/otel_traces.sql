-- Exactly the columns of the OpenTelemetry Collector's ClickHouse exporter, with its types (times
-- say that they are UTC), so that Grafana's plugin and queries written for it work unchanged.
-- https://github.com/open-telemetry/opentelemetry-collector-contrib/tree/main/exporter/clickhouseexporter
CREATE OR REPLACE VIEW {here}.{view otel_traces} AS
SELECT
    r.Timestamp AS Timestamp,
    r.TraceId AS TraceId,
    r.SpanId AS SpanId,
    r.ParentSpanId AS ParentSpanId,
    r.OtlpExtras['trace_state'] AS TraceState,
    r.SpanName AS SpanName,
    r.SpanKind AS SpanKind,
    r.ServiceName AS ServiceName,
    r.ResourceAttributes AS ResourceAttributes,
    r.OtlpExtras['scope.name'] AS ScopeName,
    r.OtlpExtras['scope.version'] AS ScopeVersion,
    r.SpanAttributes AS SpanAttributes,
    r.Duration AS Duration,
    r.StatusCode AS StatusCode,
    r.StatusMessage AS StatusMessage,
    r.Events.Timestamp AS `Events.Timestamp`,
    r.Events.Name AS `Events.Name`,
    r.Events.Attributes AS `Events.Attributes`,
    r.Links.TraceId AS `Links.TraceId`,
    r.Links.SpanId AS `Links.SpanId`,
    r.Links.TraceState AS `Links.TraceState`,
    r.Links.Attributes AS `Links.Attributes`
FROM {base}.audit_records AS r
WHERE r.RecordKind = 'action';

CREATE OR REPLACE VIEW {here}.{view otel_traces_trace_id_ts} AS
SELECT
    TraceId,
    toDateTime(min(Timestamp)) AS Start,
    toDateTime(max(Timestamp)) AS End
FROM {base}.audit_records
WHERE RecordKind = 'action'
GROUP BY TraceId;
