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

from auditspan.instrumentation.encode import Encoder
from auditspan.instrumentation.otlp_fields import attribute
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
