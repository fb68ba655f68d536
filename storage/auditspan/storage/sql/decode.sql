-- Turns a spool segment into one row per span. Attribute lists stay flat (keys, values as text,
-- kinds of value); what belongs to a scope or its resource comes on the scope's first span only.
-- Nested values leave as `marker`, `a` or `k`, and their protobuf bytes in base64.
-- Each level takes its tuple apart before it works on the pieces: an expression over the whole
-- nested type costs a millisecond of analysis.
SELECT
    ReceivedAt, RequestDigest, Principal, First,
    TraceId, SpanId, ParentSpanId, TraceState, SpanName, Kind, Start, End, Code, StatusMessage,
    Flags, Dropped, DroppedEvents, DroppedLinks,
    sa.key AS SpanKeys,
    {values:sa} AS SpanValues,
    {kinds:sa} AS SpanKinds,
    ev.time_unix_nano AS EventTimes,
    ev.name AS EventNames,
    ev.dropped_attributes_count AS EventDropped,
    ev.attributes.key AS EventKeys,
    arrayMap(a -> {values:a}, ev.attributes) AS EventValues,
    arrayMap(a -> {kinds:a}, ev.attributes) AS EventKinds,
    arrayMap(x -> lower(hex(x)), li.trace_id) AS LinkTraceIds,
    arrayMap(x -> lower(hex(x)), li.span_id) AS LinkSpanIds,
    li.trace_state AS LinkStates,
    li.flags AS LinkFlags,
    li.dropped_attributes_count AS LinkDropped,
    li.attributes.key AS LinkKeys,
    arrayMap(a -> {values:a}, li.attributes) AS LinkValues,
    arrayMap(a -> {kinds:a}, li.attributes) AS LinkKinds,
    ResourceKeys, ResourceValues, ResourceKinds, ResourceDropped, ResourceSchema,
    ResourceEntities, ScopeName, ScopeVersion, ScopeKeys, ScopeValues, ScopeKinds, ScopeDropped, ScopeSchema
FROM
(
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
        sp.attributes AS sa,
        sp.events AS ev,
        sp.links AS li,
        rk AS ResourceKeys, rv AS ResourceValues, rt AS ResourceKinds,
        rd AS ResourceDropped, ru AS ResourceSchema, re AS ResourceEntities,
        sn AS ScopeName, sv AS ScopeVersion, sk AS ScopeKeys, sx AS ScopeValues,
        st AS ScopeKinds, sd AS ScopeDropped, su AS ScopeSchema
    FROM
    (
        SELECT
            ReceivedAt, RequestDigest, Principal, spans,
            {first:1::UInt8} AS First,
            {first:ra.key} AS rk,
            {first:{values:ra}} AS rv,
            {first:{kinds:ra}} AS rt,
            {first:ResourceDropped_} AS rd,
            {first:ResourceSchema_} AS ru,
            {first:arrayMap(x -> base64Encode(x), ResourceEntities_)} AS re,
            {first:ScopeName_} AS sn,
            {first:ScopeVersion_} AS sv,
            {first:so.key} AS sk,
            {first:{values:so}} AS sx,
            {first:{kinds:so}} AS st,
            {first:ScopeDropped_} AS sd,
            {first:ScopeSchema_} AS su
        FROM
        (
            SELECT
                ReceivedAt, RequestDigest, Principal, ra, ResourceDropped_, ResourceSchema_,
                ResourceEntities_,
                ss.spans AS spans,
                ss.scope.attributes AS so,
                ss.scope.name AS ScopeName_,
                ss.scope.version AS ScopeVersion_,
                ss.scope.dropped_attributes_count AS ScopeDropped_,
                ss.schema_url AS ScopeSchema_
            FROM
            (
                SELECT
                    ReceivedAt, RequestDigest, Principal,
                    arrayJoin(rs.scope_spans) AS ss,
                    rs.resource.attributes AS ra,
                    rs.resource.dropped_attributes_count AS ResourceDropped_,
                    rs.resource.entity_refs AS ResourceEntities_,
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
    )
    ARRAY JOIN
        spans AS sp, First, rk, rv, rt, rd, ru, re, sn, sv, sk, sx, st, sd, su
)
