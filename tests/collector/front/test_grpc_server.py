"""OTLP over gRPC; slow and foreign connections are in `test_connections.py`."""

from pathlib import Path

import grpc
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

from auditspan.identity.api_keys import ApiKeys
from tests.collector.front.receiving import receiving


def test_the_compressing_exporter_with_a_key_is_its_agent(tmp_path: Path) -> None:
    """Its messages come in gzip, its key in the metadata."""
    with receiving(tmp_path / "data") as ports:
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
