"""What the store must say of a span: each field of OTLP, in the columns of docs/semconv.md."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span

from tests.conformance.values import KINDS, renamed, text_of

LAST = 2**63 - 1
_KINDS = ("Unspecified", "Internal", "Server", "Client", "Producer", "Consumer")
_CODES = ("Unset", "Ok", "Error")
_Texts = list[tuple[str, str]]

COLUMNS = (
    "TraceId, SpanId, ParentSpanId, TraceState, SpanName, SpanKind, StatusCode, StatusMessage,"
    " ServiceName, ScopeName, ScopeVersion, toUnixTimestamp64Nano(Timestamp) AS Start, Duration,"
    " arraySort(mapKeys(SpanAttributes)) AS Keys, SpanAttributes, ResourceAttributes,"
    " AttributeTypes, OtlpExtras, `Events.Name` AS EventNames,"
    " arrayMap(x -> toUnixTimestamp64Nano(x), `Events.Timestamp`) AS EventTimes,"
    " `Events.Attributes` AS EventMaps, `Links.TraceId` AS LinkTraces, `Links.SpanId` AS LinkSpans,"
    " `Links.TraceState` AS LinkStates, `Links.Attributes` AS LinkMaps,"
    " has(Findings, 'attribute.duplicate') AS Twice,"
    " has(Findings, 'attribute.undecodable') AS Undecodable"
)
"""What the query endpoint is asked for."""


def expected(resource: ResourceSpans, scope: ScopeSpans, span: Span) -> dict[str, Any]:
    """The answer for one span."""
    start, end = span.start_time_unix_nano, span.end_time_unix_nano
    own = _texts(span.attributes)
    of_resource = _texts(resource.resource.attributes)
    named = {pair.key: pair.value for pair in resource.resource.attributes}
    return {
        "TraceId": span.trace_id.hex(),
        "SpanId": span.span_id.hex(),
        "ParentSpanId": span.parent_span_id.hex(),
        "TraceState": span.trace_state,
        "SpanName": span.name,
        "SpanKind": _word(_KINDS, span.kind),
        "StatusCode": _word(_CODES, span.status.code),
        "StatusMessage": span.status.message,
        "ServiceName": text_of(named["service.name"]) if "service.name" in named else "",
        "ScopeName": scope.scope.name,
        "ScopeVersion": scope.scope.version,
        "Start": min(start, LAST),
        "Duration": max(0, end - start),
        "Keys": sorted((key for key, _ in own), key=str.encode),
        "SpanAttributes": dict(own),
        "ResourceAttributes": dict(of_resource),
        "AttributeTypes": _types(resource, scope, span),
        "OtlpExtras": _extras(resource, scope, span),
        "EventNames": [event.name for event in span.events],
        "EventTimes": [min(event.time_unix_nano, LAST) for event in span.events],
        "EventMaps": [dict(_texts(event.attributes)) for event in span.events],
        "LinkTraces": [link.trace_id.hex() for link in span.links],
        "LinkSpans": [link.span_id.hex() for link in span.links],
        "LinkStates": [link.trace_state for link in span.links],
        "LinkMaps": [dict(_texts(link.attributes)) for link in span.links],
        "Twice": any(map(_twice, _lists(resource, scope, span))),
        "Undecodable": any(
            not pair.key or pair.value.WhichOneof("value") == "string_value_strindex"
            for pairs in _lists(resource, scope, span)
            for pair in pairs
        ),
    }


def _word(words: Sequence[str], number: int) -> str:
    return words[number] if 0 <= number < len(words) else words[0]


def _texts(pairs: Iterable[KeyValue]) -> _Texts:
    kept = list(pairs)
    keys = renamed([pair.key for pair in kept])
    return [(key, text_of(pair.value)) for key, pair in zip(keys, kept, strict=True)]


def _twice(pairs: Sequence[KeyValue]) -> bool:
    return len({pair.key for pair in pairs}) < len(pairs)


def _lists(resource: ResourceSpans, scope: ScopeSpans, span: Span) -> list[Sequence[KeyValue]]:
    return [
        span.attributes,
        resource.resource.attributes,
        scope.scope.attributes,
        *(event.attributes for event in span.events),
        *(link.attributes for link in span.links),
    ]


def _types(resource: ResourceSpans, scope: ScopeSpans, span: Span) -> dict[str, str]:
    places = [("", span.attributes), ("resource/", resource.resource.attributes)]
    places.append(("scope/", scope.scope.attributes))
    places += [(f"event/{at}/", event.attributes) for at, event in enumerate(span.events)]
    places += [(f"link/{at}/", link.attributes) for at, link in enumerate(span.links)]
    return {
        f"{place}{key}": KINDS[kind]
        for place, pairs in places
        for key, pair in zip(renamed([pair.key for pair in pairs]), pairs, strict=True)
        if (kind := pair.value.WhichOneof("value")) != "string_value"
    }


def _extras(resource: ResourceSpans, scope: ScopeSpans, span: Span) -> dict[str, str]:
    start, end = span.start_time_unix_nano, span.end_time_unix_nano
    entities = [MessageToDict(one) for one in resource.resource.entity_refs]
    numbers: dict[str, Any] = {
        "resource.schema_url": resource.schema_url,
        "resource.dropped_attributes_count": resource.resource.dropped_attributes_count,
        "resource.entity_refs": json.dumps(entities, ensure_ascii=False, separators=(",", ":"))
        if entities
        else "",
        "scope.schema_url": scope.schema_url,
        "scope.name": scope.scope.name,
        "scope.version": scope.scope.version,
        "scope.dropped_attributes_count": scope.scope.dropped_attributes_count,
        "trace_state": span.trace_state,
        "flags": span.flags,
        "dropped_attributes_count": span.dropped_attributes_count,
        "dropped_events_count": span.dropped_events_count,
        "dropped_links_count": span.dropped_links_count,
        "start_time_unix_nano": start if start > LAST else 0,
        "end_time_unix_nano": end if end < start else 0,
        "kind": span.kind if not 0 <= span.kind < len(_KINDS) else 0,
        "status.code": span.status.code if not 0 <= span.status.code < len(_CODES) else 0,
    }
    for at, event in enumerate(span.events):
        numbers[f"event.{at}.dropped_attributes_count"] = event.dropped_attributes_count
        time = event.time_unix_nano
        numbers[f"event.{at}.time_unix_nano"] = time if time > LAST else 0
    for at, link in enumerate(span.links):
        numbers[f"link.{at}.dropped_attributes_count"] = link.dropped_attributes_count
        numbers[f"link.{at}.flags"] = link.flags
    texts = {f"scope.attributes.{key}": text for key, text in _texts(scope.scope.attributes)}
    return {key: str(value) for key, value in numbers.items() if value} | texts
