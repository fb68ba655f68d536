"""What the requests of the matrix differ in: factors with their values, and a request for a row."""

from collections.abc import Callable
from random import Random

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, EntityRef
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span

from tests.conformance.pairs import Factors, Row
from tests.conformance.values import VALUES

START = 1_760_000_000_000_000_000
LAST = 2**63 - 1
"""The last nanosecond that a column of times holds; the protocol goes to twice that."""
MOST = 2**32 - 1

_TIMES = {
    "usual": (START, START + 5),
    "zero": (0, 0),
    "only an end": (0, START),
    "ends before": (START, START - 5),
    "last of the column": (LAST, LAST),
    "beyond": (LAST + 1, 2**64 - 1),
}
_STATES = {"none": "", "one": "a=b", "most": ",".join(f"k{n:02}@v=" + "x" * 8 for n in range(32))}
_FLAGS = {"none": 0, "sampled": 1, "known to be remote": 0x301, "all": MOST}
_SCHEMA = "https://opentelemetry.io/schemas/1.40.0"
_TEXTS = {"none": "", "some": "why not", "unicode": "ü\0\u202e𝄞", "long": "w" * 20_000}

FACTORS: Factors = {
    "value": list(VALUES),
    "keys": ["one", "twice", "thrice and taken", "unicode", "long", "many"],
    "resource": ["absent", "empty", "attributes", "service", "dropped", "entity", "entities"],
    "scope": ["absent", "empty", "named", "version only", "attributes", "all"],
    "schemas": ["none", "resource", "scope", "both"],
    "name": list(_TEXTS),
    "kind": [str(number) for number in (0, 1, 2, 3, 4, 5, 6)],
    "code": [str(number) for number in (0, 1, 2, 3)],
    "message": list(_TEXTS),
    "times": list(_TIMES),
    "parent": ["no", "yes"],
    "state": list(_STATES),
    "flags": list(_FLAGS),
    "dropped": ["none", "one", "most"],
    "events": ["0", "1 bare", "2", "2 beyond"],
    "links": ["0", "1 bare", "2", "2 with state and flags"],
    "beside": ["nothing", "in its scope", "another scope", "another resource", "all of them"],
    "unknown": ["no", "yes"],
    "json": ["texts", "numbers", "defaults"],
}


def random_rows(count: int, seed: int) -> list[Row]:
    """Rows in which anything may meet anything."""
    chance = Random(seed)
    return [{name: chance.choice(list(FACTORS[name])) for name in FACTORS} for _ in range(count)]


def request_of(row: Row, span_id: bytes, trace_id: bytes, name: str) -> ExportTraceServiceRequest:
    """The request of a row. Its span has the name, then what the row says of names."""
    request = ExportTraceServiceRequest()
    resource = request.resource_spans.add()
    scope = resource.scope_spans.add()
    span = scope.spans.add(trace_id=trace_id, span_id=span_id, name=name + _TEXTS[row["name"]])
    _fill_resource(resource, row)
    _fill_scope(scope, row)
    _fill_span(span, row)
    _fill_lists(span, row)
    _put_beside(request, row)
    return request


def _attributes(add: Callable[..., object], row: Row) -> None:
    value = VALUES[row["value"]]
    match row["keys"]:
        case "one":
            keys = ["case.value"]
        case "twice":
            keys = ["case.value", "case.other", "case.value"]
        case "thrice and taken":
            keys = ["k", "k#2", "k", "k", "k#2"]
        case "unicode":
            keys = ["ключ", "a\0b", "🦜", "with space", "#2"]
        case "long":
            keys = ["k" * 2_000]
        case _:
            add(key="case.value", value=value)
            for number in range(100):
                add(key=f"case.{number}", value=AnyValue(int_value=number))
            return
    for key in keys:
        add(key=key, value=value)


def _fill_resource(resource: ResourceSpans, row: Row) -> None:
    if row["schemas"] in ("resource", "both"):
        resource.schema_url = _SCHEMA
    how = row["resource"]
    if how == "absent":
        return
    resource.resource.SetInParent()
    if how not in ("empty", "service"):
        _attributes(resource.resource.attributes.add, row)
    if how == "service":
        resource.resource.attributes.add(key="service.name").value.string_value = "matrix"
    if how == "dropped":
        resource.resource.dropped_attributes_count = 3
    if how in ("entity", "entities"):
        resource.resource.entity_refs.add(type="service", id_keys=["service.name"])
    if how == "entities":
        host = EntityRef(schema_url=_SCHEMA, type="host", id_keys=["host.id", "ключ"],
                         description_keys=["host.name", ""])  # fmt: skip
        resource.resource.entity_refs.append(host)


def _fill_scope(scope: ScopeSpans, row: Row) -> None:
    if row["schemas"] in ("scope", "both"):
        scope.schema_url = _SCHEMA
    how = row["scope"]
    if how == "absent":
        return
    scope.scope.SetInParent()
    if how in ("named", "all"):
        scope.scope.name = "scope"
    if how in ("version only", "all"):
        scope.scope.version = "1"
    if how in ("attributes", "all"):
        _attributes(scope.scope.attributes.add, row)
    if how == "all":
        scope.scope.dropped_attributes_count = 4


def _fill_span(span: Span, row: Row) -> None:
    span.kind = int(row["kind"])  # type: ignore[assignment]
    span.status.code = int(row["code"])  # type: ignore[assignment]
    span.status.message = _TEXTS[row["message"]]
    span.start_time_unix_nano, span.end_time_unix_nano = _TIMES[row["times"]]
    span.trace_state, span.flags = _STATES[row["state"]], _FLAGS[row["flags"]]
    if row["parent"] == "yes":
        span.parent_span_id = b"parent\0\1"
    if row["dropped"] != "none":
        count = 1 if row["dropped"] == "one" else MOST
        span.dropped_attributes_count = span.dropped_events_count = count
        span.dropped_links_count = count
    _attributes(span.attributes.add, row)


def _fill_lists(span: Span, row: Row) -> None:
    if row["events"] == "1 bare":
        span.events.add()
    elif row["events"] != "0":
        first = LAST + 7 if row["events"] == "2 beyond" else START
        for position in range(2):
            event = span.events.add(name=f"e{position}\0ü", time_unix_nano=first + position)
            event.dropped_attributes_count = position * MOST
            _attributes(event.attributes.add, row)
    if row["links"] == "1 bare":
        span.links.add()
    elif row["links"] != "0":
        for position in range(2):
            link = span.links.add(trace_id=b"t" * 16, span_id=bytes([position]) * 8)
            if "state" in row["links"]:
                link.trace_state, link.flags = "a=b", MOST - position
                link.dropped_attributes_count = position
            _attributes(link.attributes.add, row)


def _put_beside(request: ExportTraceServiceRequest, row: Row) -> None:
    """Spans around the one that is looked at, which must not take or give anything."""
    where = row["beside"]
    first = request.resource_spans[0]
    if where in ("in its scope", "all of them"):
        _plain(first.scope_spans[0], 1)
    if where in ("another scope", "all of them"):
        first.scope_spans.add()
        other = first.scope_spans.add()
        other.scope.name = "other"
        _plain(other, 2)
    if where in ("another resource", "all of them"):
        resource = request.resource_spans.add()
        resource.resource.attributes.add(key="other").value.int_value = 1
        _plain(resource.scope_spans.add(), 3)


def _plain(scope: ScopeSpans, number: int) -> None:
    span = scope.spans.add(trace_id=b"beside" + b"\1" * 10, span_id=bytes([number]) * 8)
    span.name = "beside"
    span.attributes.add(key="case.value").value.string_value = "beside"
