"""One broken span does not cost the others of its request: partial success, on every transport."""

from collections.abc import Sequence
from typing import Any

import grpc
import pytest
from google.protobuf.json_format import Parse
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExportResult

from tests.conformance.by_hand import Style, json_of
from tests.conformance.exporters import spans
from tests.conformance.sending import senders
from tests.end_to_end import bodies
from tests.end_to_end.running import Collector

_METHOD = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"


def _broken(name: str) -> ExportTraceServiceRequest:
    """Three spans, of which the second has a span id of 7 bytes."""
    request = bodies.request(name, 3)
    request.resource_spans[0].scope_spans[0].spans[1].span_id = b"7 bytes"
    return request


def _stored(collector: Collector, name: str) -> list[str]:
    where = f"FROM audit_records WHERE SpanName = '{name}'"
    collector.wait_for(f"SELECT count() {where}", 2)
    return [row["SpanId"] for row in collector.rows(f"SELECT SpanId {where} ORDER BY SpanId")]


@pytest.mark.parametrize("way", ["protobuf", "json", "grpc"])
def test_the_others_are_kept_and_the_sender_is_told(collector: Collector, way: str) -> None:
    """Success with `rejected_spans` and what is wrong with the first of them."""
    request, said = _broken(f"partial {way}"), ExportTraceServiceResponse()
    with senders(collector.addresses) as to:
        if way == "grpc":
            content = to.channel.unary_unary(_METHOD)(request.SerializeToString(), timeout=30)
            said.ParseFromString(content)
        else:
            json = way == "json"
            body = json_of(request, Style()) if json else request.SerializeToString()
            headers = {"content-type": bodies.JSON if json else bodies.PROTOBUF}
            answer = to.http.post(to.url, content=body, headers=headers)
            assert answer.status_code == 200
            if json:
                Parse(answer.content, said)
            else:
                said.ParseFromString(answer.content)
    assert said.partial_success.rejected_spans == 1
    assert "span 2 of 3" in said.partial_success.error_message
    assert _stored(collector, f"partial {way}") == [f"{1:016x}", f"{3:016x}"]


def test_sent_again_it_is_kept_once_and_told_again(collector: Collector) -> None:
    """The sender lost the answer, not the fault: the second answer says the same as the first."""
    body = _broken("partial again").SerializeToString()
    with senders(collector.addresses) as to:
        first, second = (to.channel.unary_unary(_METHOD)(body, timeout=30) for _ in range(2))
        to.channel.unary_unary(_METHOD)(bodies.body("after"), timeout=30)
    assert first == second
    assert ExportTraceServiceResponse.FromString(second).partial_success.rejected_spans == 1
    collector.wait_for("SELECT count() FROM audit_records WHERE SpanName = 'after'", 1)
    assert _stored(collector, "partial again") == [f"{1:016x}", f"{3:016x}"]


def test_a_full_success_says_nothing(collector: Collector) -> None:
    """`partial_success` is unset."""
    with senders(collector.addresses) as to:
        content = to.channel.unary_unary(_METHOD)(bodies.body("whole"), timeout=30)
    assert content == b""


class _Breaking(OTLPSpanExporter):
    """The exporter of OpenTelemetry, in a program that breaks the id of a span."""

    def _translate_data(self, data: Sequence[ReadableSpan]) -> Any:
        request = super()._translate_data(data)
        request.resource_spans[0].scope_spans[0].spans[1].span_id = b"7 bytes"
        return request


def test_an_exporter_does_not_send_it_again(collector: Collector) -> None:
    """It sees success; two of three spans are stored, once."""
    exporter = _Breaking(collector.addresses["grpc"], insecure=True, timeout=10)
    batch = spans("partial exporter")
    assert exporter.export(batch) is SpanExportResult.SUCCESS
    exporter.shutdown()
    kept = [span.get_span_context() for span in (batch[0], batch[2])]
    ids = sorted(f"{context.span_id:016x}" for context in kept if context)
    assert _stored(collector, "partial exporter") == ids


def test_a_request_of_broken_spans_alone_is_refused(collector: Collector) -> None:
    """For good: there is nothing to keep."""
    request = _broken("all broken")
    del request.resource_spans[0].scope_spans[0].spans[2]
    del request.resource_spans[0].scope_spans[0].spans[0]
    with senders(collector.addresses) as to, pytest.raises(grpc.RpcError, match="span 1 of 1"):
        to.channel.unary_unary(_METHOD)(request.SerializeToString(), timeout=30)
