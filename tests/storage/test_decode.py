"""Decoding agrees with the protobuf library on whatever a client can send."""

import base64
import json
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from google.protobuf.json_format import MessageToDict
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import (
    AnyValue,
    ArrayValue,
    EntityRef,
    InstrumentationScope,
    KeyValue,
    KeyValueList,
)
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span, Status
from opentelemetry.sdk.resources import Resource as SdkResource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind

from auditspan.storage.decode import decode, decode_controls
from auditspan.storage.engine import Engine
from auditspan.storage.projection import Projection
from tests.conformance.values import KINDS

SegmentOf = Callable[[Sequence[ExportTraceServiceRequest | bytes | str]], Path]

_PROJECTIONS = (
    Projection("ToolName", "gen_ai.tool.name", "LowCardinality(String)"),
    Projection("InputTokens", "gen_ai.usage.input_tokens", "UInt64"),
    Projection("Severity", "n", "UInt8"),
    Projection("Balance", "n", "Int64"),
    Projection("Cost", "cost", "Float64"),
    Projection("Tags", "tags", "Array(String)"),
    Projection("Environment", "deployment.environment.name", "String", resource=True),
)


# What generated requests are made of

_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
_key = st.sampled_from(
    ["", "k", "k#2", "k#3", "gen_ai.tool.name", "gen_ai.usage.input_tokens", "n", "cost", "tags"]
)
_u32, _u64 = st.integers(0, 2**32 - 1), st.integers(0, 2**64 - 1)
_leaf = st.one_of(
    st.builds(AnyValue),
    st.builds(AnyValue, string_value=_text),
    st.builds(AnyValue, bool_value=st.booleans()),
    st.builds(AnyValue, int_value=st.integers(-(2**63), 2**63 - 1)),
    st.builds(AnyValue, int_value=st.integers(-2, 300)),
    st.builds(AnyValue, double_value=st.floats()),
    st.builds(AnyValue, bytes_value=st.binary(max_size=5)),
    st.builds(AnyValue, string_value_strindex=st.integers(0, 9)),
)


def _deeper(inner: st.SearchStrategy[AnyValue]) -> st.SearchStrategy[AnyValue]:
    pairs = st.lists(st.builds(KeyValue, key=_key, value=inner), max_size=3)
    arrays = st.builds(ArrayValue, values=st.lists(inner, max_size=3))
    return st.one_of(
        st.builds(AnyValue, array_value=arrays),
        st.builds(AnyValue, kvlist_value=st.builds(KeyValueList, values=pairs)),
    )


_any = st.recursive(_leaf, _deeper, max_leaves=6)
_attributes = st.lists(st.builds(KeyValue, key=_key, value=_any), max_size=5)
_event = st.builds(
    Span.Event,
    time_unix_nano=_u64,
    name=_text,
    attributes=_attributes,
    dropped_attributes_count=_u32,
)
_id16, _id8 = st.binary(min_size=16, max_size=16), st.binary(min_size=8, max_size=8)
_link = st.builds(
    Span.Link,
    trace_id=_id16,
    span_id=_id8,
    trace_state=_text,
    attributes=_attributes,
    dropped_attributes_count=_u32,
    flags=_u32,
)
_span = st.builds(
    Span,
    trace_id=_id16,
    span_id=_id8,
    parent_span_id=st.one_of(st.just(b""), _id8),
    trace_state=_text,
    flags=_u32,
    name=_text,
    kind=st.integers(0, 5),
    start_time_unix_nano=_u64,
    end_time_unix_nano=_u64,
    attributes=_attributes,
    dropped_attributes_count=_u32,
    events=st.lists(_event, max_size=2),
    dropped_events_count=_u32,
    links=st.lists(_link, max_size=2),
    dropped_links_count=_u32,
    status=st.builds(Status, message=_text, code=st.integers(0, 2)),
)
_scope = st.builds(
    InstrumentationScope,
    name=_text,
    version=_text,
    attributes=_attributes,
    dropped_attributes_count=_u32,
)
_scope_spans = st.builds(
    ScopeSpans, scope=_scope, schema_url=_text, spans=st.lists(_span, max_size=3)
)
_names = st.lists(_text, max_size=2)
_entity = st.builds(
    EntityRef, schema_url=_text, type=_text, id_keys=_names, description_keys=_names
)
_resource_spans = st.builds(
    ResourceSpans,
    resource=st.builds(
        Resource,
        attributes=_attributes,
        dropped_attributes_count=_u32,
        entity_refs=st.lists(_entity, max_size=2),
    ),
    scope_spans=st.lists(_scope_spans, max_size=2),
    schema_url=_text,
)
_request = st.builds(
    ExportTraceServiceRequest, resource_spans=st.lists(_resource_spans, max_size=2)
)


# What the columns should be, span by span, by the protobuf library


def _json(value: AnyValue, losses: list[str]) -> Any:
    kind = value.WhichOneof("value")
    if kind is None:
        return None
    if kind == "array_value":
        return [_json(item, losses) for item in value.array_value.values]
    if kind == "kvlist_value":
        pairs = value.kvlist_value.values
        losses.extend("empty" for pair in pairs if not pair.key)
        plain: dict[str, Any] = {}
        for pair in pairs:
            name, number = pair.key, 2
            while name in plain:
                name, number = f"{pair.key}#{number}", number + 1
            plain[name] = _json(pair.value, losses)
        return plain
    if kind == "bytes_value":
        return base64.b64encode(value.bytes_value).decode()
    if kind == "double_value" and not math.isfinite(value.double_value):
        return {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}[str(value.double_value)]
    if kind == "string_value_strindex":
        losses.append("index")
    return getattr(value, kind)


def _same_text(text: str, value: AnyValue, losses: list[str]) -> bool:
    kind = value.WhichOneof("value")
    if kind == "double_value":
        return repr(float(text)) == repr(value.double_value)
    if kind in ("array_value", "kvlist_value"):
        return bool(json.loads(text) == json.loads(json.dumps(_json(value, losses))))
    if kind == "bytes_value":
        return base64.b64decode(text) == value.bytes_value
    if kind == "bool_value":
        return text == ("true" if value.bool_value else "false")
    if kind == "string_value_strindex":
        losses.append("index")
    return text == ("" if kind is None else str(getattr(value, kind)))


def _check_map(
    entries: Sequence[tuple[str, str]], sent: Sequence[KeyValue], losses: list[str]
) -> dict[str, AnyValue]:
    """The entries say what was sent, in its order, each under a name of its own."""
    assert len({key for key, _ in entries}) == len(entries) == len(sent)
    for (key, text), pair in zip(entries, sent, strict=True):
        assert key == pair.key or key.startswith(f"{pair.key}#")
        assert _same_text(text, pair.value, losses), (text, pair.value)
        if not pair.key:
            losses.append("empty key")
    return {key: pair.value for (key, _), pair in zip(entries, sent, strict=True)}


def _types(prefix: str, values: dict[str, AnyValue]) -> dict[str, str]:
    kinds = {key: value.WhichOneof("value") for key, value in values.items()}
    return {prefix + key: KINDS[kind] for key, kind in kinds.items() if kind != "string_value"}


def _twice(pairs: Sequence[KeyValue]) -> bool:
    return len({pair.key for pair in pairs}) < len(pairs)


def _nonzero(values: dict[str, Any]) -> dict[str, str]:
    return {key: str(value) for key, value in values.items() if value}


def _check(row: dict[str, Any], rs: ResourceSpans, ss: ScopeSpans, span: Span) -> None:
    losses: list[str] = []
    own = _check_map(row["SpanAttributes"], span.attributes, losses)
    of_resource = _check_map(row["ResourceAttributes"], rs.resource.attributes, losses)
    types = _types("", own) | _types("resource/", of_resource)
    extras = {
        "resource.schema_url": rs.schema_url,
        "resource.dropped_attributes_count": rs.resource.dropped_attributes_count,
        "scope.schema_url": ss.schema_url,
        "scope.name": ss.scope.name,
        "scope.version": ss.scope.version,
        "scope.dropped_attributes_count": ss.scope.dropped_attributes_count,
        "trace_state": span.trace_state,
        "flags": span.flags,
        "dropped_attributes_count": span.dropped_attributes_count,
        "dropped_events_count": span.dropped_events_count,
        "dropped_links_count": span.dropped_links_count,
        "start_time_unix_nano": span.start_time_unix_nano * (span.start_time_unix_nano >= 2**63),
        "end_time_unix_nano": span.end_time_unix_nano
        * (span.end_time_unix_nano < span.start_time_unix_nano),
    }
    twice = _twice(span.attributes) or _twice(rs.resource.attributes)
    for i, (got, event) in enumerate(zip(row["Events"], span.events, strict=True)):
        assert got["Timestamp"].value == min(event.time_unix_nano, 2**63 - 1)
        assert got["Name"] == event.name
        types |= _types(f"event/{i}/", _check_map(got["Attributes"], event.attributes, losses))
        extras[f"event.{i}.dropped_attributes_count"] = event.dropped_attributes_count
        extras[f"event.{i}.time_unix_nano"] = event.time_unix_nano * (event.time_unix_nano >= 2**63)
        twice |= _twice(event.attributes)
    for i, (got, link) in enumerate(zip(row["Links"], span.links, strict=True)):
        assert got["TraceId"] == link.trace_id.hex()
        assert got["SpanId"] == link.span_id.hex()
        assert got["TraceState"] == link.trace_state
        types |= _types(f"link/{i}/", _check_map(got["Attributes"], link.attributes, losses))
        extras[f"link.{i}.dropped_attributes_count"] = link.dropped_attributes_count
        extras[f"link.{i}.flags"] = link.flags
        twice |= _twice(link.attributes)
    prefix = "scope.attributes."
    scoped = [(k.removeprefix(prefix), v) for k, v in row["OtlpExtras"] if k.startswith(prefix)]
    types |= _types("scope/", _check_map(scoped, ss.scope.attributes, losses))
    rest = {key: text for key, text in row["OtlpExtras"] if not key.startswith(prefix)}
    entities = json.loads(rest.pop("resource.entity_refs", "[]"))
    assert entities == [MessageToDict(entity) for entity in rs.resource.entity_refs]
    assert rest == _nonzero(extras)
    assert dict(row["AttributeTypes"]) == types
    assert row["Duplicates"] == (twice or _twice(ss.scope.attributes))
    assert row["Undecodable"] == bool(losses)
    _check_scalars(row, span)
    _check_promoted(row, own, of_resource)


def _check_scalars(row: dict[str, Any], span: Span) -> None:
    assert row["TraceId"] == span.trace_id.hex()
    assert row["SpanId"] == span.span_id.hex()
    assert row["ParentSpanId"] == span.parent_span_id.hex()
    assert row["SpanName"] == span.name
    assert row["TraceState"] == span.trace_state
    assert row["SpanKind"].upper() == Span.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_")
    assert row["StatusCode"].upper() == Status.StatusCode.Name(span.status.code)[12:]
    assert row["StatusMessage"] == span.status.message
    assert row["Timestamp"].value == min(span.start_time_unix_nano, 2**63 - 1)
    assert row["Duration"] == max(0, span.end_time_unix_nano - span.start_time_unix_nano)
    assert row["ReceivedAt"].value == 1_795_000_000_123_456_789
    assert row["RequestDigest"] == "sha256:" + "0" * 64
    assert row["Principal"] == '{"id":"agent:booking","kind":"agent"}'


def _check_promoted(
    row: dict[str, Any], own: dict[str, AnyValue], resource: dict[str, AnyValue]
) -> None:
    named = dict(row["SpanAttributes"])
    assert row["ToolName"] == named.get("gen_ai.tool.name", "")
    tokens = own.get("gen_ai.usage.input_tokens", AnyValue()).int_value
    assert row["InputTokens"] == max(tokens, 0)
    number = own.get("n", AnyValue()).int_value
    assert row["Balance"] == number
    assert row["Severity"] == (number if 0 <= number < 256 else 0)
    cost = own.get("cost", AnyValue())
    assert repr(row["Cost"]) == repr(cost.double_value or float(cost.int_value))
    tags = own.get("tags", AnyValue()).array_value.values
    whole = all(tag.WhichOneof("value") in ("string_value", "bytes_value") for tag in tags)
    plain = [tag.WhichOneof("value") == "string_value" for tag in tags]
    if all(plain):
        assert row["Tags"] == [tag.string_value for tag in tags]
    elif not whole:
        assert len(row["Tags"]) in (0, len(tags))
    assert row["Environment"] == dict(row["ResourceAttributes"]).get(
        "deployment.environment.name", ""
    )
    assert set(resource) == {key for key, _ in row["ResourceAttributes"]}


def _check_requests(table: pa.Table, requests: Sequence[ExportTraceServiceRequest]) -> None:
    sent = [
        (rs, ss, span)
        for request in requests
        for rs in request.resource_spans
        for ss in rs.scope_spans
        for span in ss.spans
    ]
    table.validate(full=True)
    for row, (rs, ss, span) in zip(table.to_pylist(), sent, strict=True):
        _check(row, rs, ss, span)


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(_request, min_size=1, max_size=4))
def test_generated_requests_decode_as_the_protobuf_library_reads_them(
    memory: Engine, segment: SegmentOf, requests: list[ExportTraceServiceRequest]
) -> None:
    """Every field of every span arrives, in order, whatever stands in the requests."""
    _check_requests(decode(memory, segment(requests), _PROJECTIONS), requests)


def _one(**span: Any) -> ExportTraceServiceRequest:
    spans = ScopeSpans(spans=[Span(**span)])
    return ExportTraceServiceRequest(resource_spans=[ResourceSpans(scope_spans=[spans])])


def _texts(*pairs: tuple[str, str]) -> list[KeyValue]:
    return [KeyValue(key=key, value=AnyValue(string_value=value)) for key, value in pairs]


def _row(memory: Engine, segment: Path) -> dict[str, Any]:
    (row,) = decode(memory, segment, _PROJECTIONS).to_pylist()
    assert isinstance(row, dict)
    return row


def test_a_span_of_a_real_sdk_decodes_to_this_row(memory: Engine, segment: SegmentOf) -> None:
    """What the OpenTelemetry SDK and its exporter make of a span, column by column."""
    provider = TracerProvider(
        resource=SdkResource({"service.name": "booking-agent", "n": 1}), shutdown_on_exit=False
    )
    exporter = InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracer = provider.get_tracer("auditspan", "0.1", "https://schema", {"scope": True})
    with tracer.start_as_current_span("execute_tool refund", kind=SpanKind.CLIENT) as span:
        span.set_attribute("gen_ai.tool.name", "refund")
        span.set_attribute("gen_ai.usage.input_tokens", 12)
        span.set_attribute("tags", ["a", "b"])
        span.add_event("asked", {"by": "user"})
    row = _row(memory, segment([encode_spans(exporter.get_finished_spans())]))
    assert row["SpanName"] == "execute_tool refund"
    assert (row["SpanKind"], row["StatusCode"]) == ("Client", "Unset")
    assert (row["ServiceName"], row["ScopeName"], row["ScopeVersion"]) == (
        "booking-agent",
        "auditspan",
        "0.1",
    )
    assert row["SpanAttributes"] == [
        ("gen_ai.tool.name", "refund"),
        ("gen_ai.usage.input_tokens", "12"),
        ("tags", '["a","b"]'),
    ]
    assert (row["ToolName"], row["InputTokens"], row["Tags"]) == ("refund", 12, ["a", "b"])
    assert dict(row["AttributeTypes"]) == {
        "gen_ai.usage.input_tokens": "int",
        "tags": "array",
        "resource/n": "int",
        "scope/scope": "bool",
    }
    assert dict(row["OtlpExtras"]) == {
        "scope.schema_url": "https://schema",
        "scope.name": "auditspan",
        "scope.version": "0.1",
        "scope.attributes.scope": "true",
        "flags": "256",
    }
    assert [event["Name"] for event in row["Events"]] == ["asked"]
    assert row["Events"][0]["Attributes"] == [("by", "user")]
    assert not row["Duplicates"]
    assert not row["Undecodable"]


def test_values_of_the_types_that_look_empty_are_told_apart(
    memory: Engine, segment: SegmentOf
) -> None:
    """Zero, false, an empty text and no value at all are four things."""
    values = [AnyValue(int_value=0), AnyValue(bool_value=False), AnyValue(string_value="")]
    pairs = zip("abcde", [*values, AnyValue(), AnyValue(double_value=0)], strict=True)
    row = _row(memory, segment([_one(attributes=[KeyValue(key=k, value=v) for k, v in pairs])]))
    assert row["SpanAttributes"] == [("a", "0"), ("b", "false"), ("c", ""), ("d", ""), ("e", "0")]
    assert dict(row["AttributeTypes"]) == {"a": "int", "b": "bool", "d": "empty", "e": "double"}


def test_duplicate_keys_get_numbers_that_no_other_key_has(
    memory: Engine, segment: SegmentOf
) -> None:
    """A client's own `k#2` keeps its name, and the renamed one takes the next free number."""
    pairs = _texts(("k", "1"), ("k", "2"), ("k#2", "3"), ("k", "4"), ("k#2", "5"))
    row = _row(memory, segment([_one(attributes=pairs)]))
    assert row["SpanAttributes"] == [
        ("k", "1"),
        ("k#3", "2"),
        ("k#2", "3"),
        ("k#4", "4"),
        ("k#2#2", "5"),
    ]
    assert row["Duplicates"]


def test_a_text_that_looks_like_a_nested_value_stays_a_text(
    memory: Engine, segment: SegmentOf
) -> None:
    """Only values that are nested are decoded, whatever a text pretends to be."""
    sent = "0" * 32 + "aCgMKAWE="
    row = _row(memory, segment([_one(attributes=_texts(("k", sent)))]))
    assert row["SpanAttributes"] == [("k", sent)]


def test_an_attribute_without_a_key_is_kept_and_flagged(memory: Engine, segment: SegmentOf) -> None:
    """Newer OTLP may send an index into a table instead of a key, which says nothing here."""
    pairs = [KeyValue(key_strindex=3, value=AnyValue(string_value="v"))]
    row = _row(memory, segment([_one(attributes=pairs)]))
    assert row["SpanAttributes"] == [("", "v")]
    assert row["Undecodable"]


def test_numbers_outside_their_enumeration_are_kept(memory: Engine, segment: SegmentOf) -> None:
    """An unknown kind reads as unspecified, and the number itself is in the extras."""
    request = _one(name="x")
    span = request.resource_spans[0].scope_spans[0].spans[0]
    span.kind = 9  # type: ignore[assignment]
    span.status.code = 7  # type: ignore[assignment]
    row = _row(memory, segment([request]))
    assert (row["SpanKind"], row["StatusCode"]) == ("Unspecified", "Unset")
    assert dict(row["OtlpExtras"]) == {"kind": "9", "status.code": "7"}


def test_requests_and_controls_of_one_segment_come_apart(
    memory: Engine, segment: SegmentOf
) -> None:
    """Spans never see a control frame, and controls come with who gave them."""
    path = segment([_one(name="a"), '{"control":"registry"}', _one(name="b")])
    assert decode(memory, path).column("SpanName").to_pylist() == ["a", "b"]
    (control,) = decode_controls(memory, path)
    assert control.body == '{"control":"registry"}'
    assert control.principal == '{"id":"agent:booking","kind":"agent"}'
    assert control.received_at == 1_795_000_000_123_456_789
    assert control.digest == "sha256:" + "0" * 64


@pytest.mark.parametrize("contents", [[], ['{"control":"x"}'], [ExportTraceServiceRequest()]])
def test_a_segment_without_spans_gives_an_empty_table(
    memory: Engine, segment: SegmentOf, contents: list[Any]
) -> None:
    """The table has all its columns and no rows."""
    empty = decode(memory, segment(contents), _PROJECTIONS)
    full = decode(memory, segment([_one(name="a")]), _PROJECTIONS)
    assert empty.num_rows == 0
    assert empty.schema.names == full.schema.names
    assert empty.schema.types == full.schema.types


def test_a_client_cannot_reach_the_envelope(memory: Engine, segment: SegmentOf) -> None:
    """Fields 3 to 6 in a request's own bytes are unknown fields of the request, nothing more."""
    spoof = b"\x2a\x05admin" + b"\x19" + b"\x01" * 8
    request = _one(name="a").SerializeToString() + spoof
    row = _row(memory, segment([request]))
    assert row["Principal"] == '{"id":"agent:booking","kind":"agent"}'
    assert row["ReceivedAt"].value == 1_795_000_000_123_456_789
