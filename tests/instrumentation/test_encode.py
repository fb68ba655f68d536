"""Spans as bytes."""

from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags, TraceState
from opentelemetry.util.types import AttributeValue

from auditspan.instrumentation.encode import Encoder, attribute, varint, whole_requests
from tests.instrumentation.recorded import spans
from tests.instrumentation.sink import spans_of

TWO = spans("one", "two", key="välue")


def test_a_span_is_encoded_as_the_exporter_does() -> None:
    """Resource, scope, schemas, events and attributes are those of the official encoder."""
    encoder = Encoder()
    for span in (*TWO, *TWO):
        own = ExportTraceServiceRequest.FromString(encoder.encode(span, b""))
        assert own == encode_spans([span])


@given(
    st.dictionaries(
        st.text(min_size=1),
        st.text()
        | st.integers(-(2**63), 2**63 - 1)
        | st.booleans()
        | st.floats(allow_nan=False)
        | st.lists(st.text()).map(tuple)
        | st.lists(st.integers(0, 9)).map(tuple),
        max_size=8,
    ),
    st.sampled_from(SpanKind),
    st.sampled_from([Status(), Status(StatusCode.OK), Status(StatusCode.ERROR, "wröng")]),
    st.sampled_from([None, True, False]),
    st.booleans(),
)
def test_every_kind_of_span_is_encoded_as_the_exporter_does(
    attributes: dict[str, AttributeValue],
    kind: SpanKind,
    status: Status,
    remote_parent: bool | None,
    more: bool,
) -> None:
    """Whichever way a span takes through the encoder, another reader sees no difference."""
    context = SpanContext(2**127 + 3, 2**63 + 5, False, TraceFlags(1), TraceState([("a", "b")]))
    plain = SpanContext(2**127 + 3, 2**63 + 5, False, TraceFlags(1))
    parent = None if remote_parent is None else SpanContext(7, 9, remote_parent, TraceFlags(0))
    span = ReadableSpan(
        "näme",
        context if more else plain,
        parent,
        Resource({"service.name": "test"}),
        attributes,
        kind=kind,
        status=status,
        start_time=1,
        end_time=2**62,
        instrumentation_scope=InstrumentationScope("scope"),
    )
    own = ExportTraceServiceRequest.FromString(Encoder().encode(span, b""))
    assert own == encode_spans([span])


def test_further_attributes_are_attributes() -> None:
    """What is added behind the span is read as part of it."""
    further = attribute("n", 2**40) + attribute("text", "ü")
    [span] = spans_of(Encoder().encode(TWO[0], further))
    assert span.attributes == {"key": "välue", "n": 2**40, "text": "ü"}


def test_requests_behind_each_other_are_one_request() -> None:
    """A file of requests is a request."""
    encoder = Encoder()
    content = b"".join(encoder.encode(span, b"") for span in TWO)
    assert [span.name for span in spans_of(content)] == ["one", "two"]


@given(st.integers(0, 10_000))
def test_a_torn_end_is_found(cut: int) -> None:
    """Wherever a write was torn, what is kept is the whole requests before it."""
    first, second = (Encoder().encode(span, b"") for span in TWO)
    content = (first + second)[:cut]
    ends = [0, len(first), len(first) + len(second)]
    assert whole_requests(content) == max(end for end in ends if end <= len(content))


@given(st.binary(max_size=64))
def test_rubbish_is_no_request(content: bytes) -> None:
    """Whatever stands in a file, the part that is kept is made of whole fields."""
    kept = whole_requests(content)
    assert 0 <= kept <= len(content)
    assert kept == 0 or content[0] == 0x0A


@given(st.integers(0, 2**63))
def test_varint(number: int) -> None:
    """Numbers are written as protobuf reads them."""
    content, value = varint(number), 0
    for index, byte in enumerate(content):
        value |= (byte & 0x7F) << 7 * index
    assert value == number
    assert all(byte >= 0x80 for byte in content[:-1])
    assert content[-1] < 0x80
