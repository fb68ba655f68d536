-- Turns a spool segment into one row per span. Attribute lists stay flat (keys, values as text,
-- kinds of value); what belongs to a scope or its resource comes on the scope's first span only.
-- Nested values leave as `marker`, `a` or `k`, and their protobuf bytes in base64.
SELECT
    ReceivedAt, RequestDigest, Principal, First,
    lower(hex(sp.trace_id)) AS TraceId,
    lower(hex(sp.span_id)) AS SpanId,
    lower(hex(sp.parent_span_id)) AS ParentSpanId,
    sp.trace_state AS TraceState,
    sp.name AS SpanName,
    sp.kind AS Kind,
    sp.start_time_unix_nano AS Start,
    sp.end_time_unix_nano AS End,
    sp.status.code AS Code,
    sp.status.message AS StatusMessage,
    sp.flags AS Flags,
    sp.dropped_attributes_count AS Dropped,
    sp.dropped_events_count AS DroppedEvents,
    sp.dropped_links_count AS DroppedLinks,
    sp.attributes.key AS SpanKeys,
    {values:sp.attributes} AS SpanValues,
    {kinds:sp.attributes} AS SpanKinds,
    sp.events.time_unix_nano AS EventTimes,
    sp.events.name AS EventNames,
    sp.events.dropped_attributes_count AS EventDropped,
    sp.events.attributes.key AS EventKeys,
    arrayMap(a -> {values:a}, sp.events.attributes) AS EventValues,
    arrayMap(a -> {kinds:a}, sp.events.attributes) AS EventKinds,
    arrayMap(x -> lower(hex(x)), sp.links.trace_id) AS LinkTraceIds,
    arrayMap(x -> lower(hex(x)), sp.links.span_id) AS LinkSpanIds,
    sp.links.trace_state AS LinkStates,
    sp.links.flags AS LinkFlags,
    sp.links.dropped_attributes_count AS LinkDropped,
    sp.links.attributes.key AS LinkKeys,
    arrayMap(a -> {values:a}, sp.links.attributes) AS LinkValues,
    arrayMap(a -> {kinds:a}, sp.links.attributes) AS LinkKinds,
    ResourceKeys, ResourceValues, ResourceKinds, ResourceDropped, ResourceSchema,
    ScopeName, ScopeVersion, ScopeKeys, ScopeValues, ScopeKinds, ScopeDropped, ScopeSchema
FROM
(
    SELECT
        ReceivedAt, RequestDigest, Principal, sp, First,
        ResourceKeys, ResourceValues, ResourceKinds, ResourceDropped, ResourceSchema,
        ScopeName, ScopeVersion, ScopeKeys, ScopeValues, ScopeKinds, ScopeDropped, ScopeSchema
    FROM
    (
        SELECT
            ReceivedAt, RequestDigest, Principal,
            ss.spans AS spans,
            {first:1::UInt8} AS firsts,
            {first:ResourceKeys_} AS rk,
            {first:ResourceValues_} AS rv,
            {first:ResourceKinds_} AS rt,
            {first:ResourceDropped_} AS rd,
            {first:ResourceSchema_} AS ru,
            {first:ss.scope.name} AS sn,
            {first:ss.scope.version} AS sv,
            {first:ss.scope.attributes.key} AS sk,
            {first:{values:ss.scope.attributes}} AS st,
            {first:{kinds:ss.scope.attributes}} AS sc,
            {first:ss.scope.dropped_attributes_count} AS sd,
            {first:ss.schema_url} AS su
        FROM
        (
            SELECT
                ReceivedAt, RequestDigest, Principal,
                arrayJoin(rs.scope_spans) AS ss,
                rs.resource.attributes.key AS ResourceKeys_,
                {values:rs.resource.attributes} AS ResourceValues_,
                {kinds:rs.resource.attributes} AS ResourceKinds_,
                rs.resource.dropped_attributes_count AS ResourceDropped_,
                rs.schema_url AS ResourceSchema_
            FROM
            (
                SELECT
                    received_at AS ReceivedAt,
                    request_digest AS RequestDigest,
                    principal AS Principal,
                    arrayJoin(request.resource_spans) AS rs
                FROM {source}
                WHERE kind = 1
            )
        )
    )
    ARRAY JOIN
        spans AS sp, firsts AS First,
        rk AS ResourceKeys, rv AS ResourceValues, rt AS ResourceKinds,
        rd AS ResourceDropped, ru AS ResourceSchema,
        sn AS ScopeName, sv AS ScopeVersion, sk AS ScopeKeys, st AS ScopeValues,
        sc AS ScopeKinds, sd AS ScopeDropped, su AS ScopeSchema
)
