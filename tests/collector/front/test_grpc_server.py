"""OTLP over gRPC: what its port does for itself. Clients and bad bodies are in `end_to_end`."""

import threading
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

from auditspan.identity.api_keys import ApiKeys
from tests.collector.front.receiving import Receiving, receiving
from tests.end_to_end.bodies import body, call

EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"


@pytest.fixture
def ports(tmp_path: Path) -> Iterator[Receiving]:
    """Open ports."""
    with receiving(tmp_path / "data") as running:
        yield running


def test_the_compressing_exporter_with_a_key_is_its_agent(ports: Receiving) -> None:
    """As it is configured by its environment variables."""
    keys = ApiKeys(ports.service.data.secret("api_keys.json"))
    key, _ = keys.issue("agent:desk", expires_at=4_000_000_000.0)
    exporter = OTLPSpanExporter(
        ports.addresses["grpc"],
        insecure=True,
        headers={"authorization": f"Bearer {key}"},
        compression=grpc.Compression.Gzip,
    )
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    provider.get_tracer("test").start_span("from a client").end()
    provider.shutdown()
    assert [principal.id for principal in ports.principals()] == ["agent:desk"]


@pytest.mark.parametrize("count", [0, 2])
def test_a_call_has_one_message(ports: Receiving, count: int) -> None:
    """The port reads a stream, and an OTLP client sends none."""
    messages = [body("one"), body("two")][:count]
    with _channel(ports) as channel, pytest.raises(grpc.RpcError) as caught:
        channel.stream_unary(EXPORT)(iter(messages), timeout=10)
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert f"expected one message, got {count}" in caught.value.details()
    assert ports.principals() == []


def test_the_sender_is_refused_before_its_message(ports: Receiving) -> None:
    """A stranger cannot make the collector wait for anything."""
    over = threading.Event()
    with _channel(ports) as channel:
        metadata = (("authorization", "Bearer wrong"),)
        answer = channel.stream_unary(EXPORT).future(_silent(over), metadata=metadata, timeout=10)
        code = answer.code()
        over.set()
    assert code is grpc.StatusCode.UNAUTHENTICATED


def test_too_many_bytes_under_way_may_come_again(tmp_path: Path) -> None:
    """`UNAVAILABLE` with `RetryInfo`; small requests still fit."""
    with receiving(tmp_path / "data", under_way=1000) as ports:
        answer = call(ports.addresses["grpc"], body("x" * 2000))
        assert answer.code == grpc.StatusCode.UNAVAILABLE.value[0]
        assert answer.details["RetryInfo"].retry_delay.seconds == 1
        assert call(ports.addresses["grpc"], body("one")).code == 0
        assert ports.admission.budget.used == 0
        assert len(ports.principals()) == 1


def _channel(ports: Receiving) -> grpc.Channel:
    return grpc.insecure_channel(ports.addresses["grpc"].partition("//")[2])


def _silent(over: threading.Event) -> Iterator[bytes]:
    """No message until it is over."""
    over.wait(20)
    yield from ()
