"""How the collector is reached, by what the environment says."""

import pytest

from auditspan.instrumentation.errors import SettingsInvalid
from auditspan.instrumentation.settings import settings


@pytest.mark.parametrize(
    ("environ", "endpoint", "protocol", "identities"),
    [
        (
            {"OTEL_EXPORTER_OTLP_ENDPOINT": "https://c.example/base/"},
            "https://c.example/base/v1/traces",
            "http/protobuf",
            "https://c.example/base/v1/identities",
        ),
        (
            {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "https://c.example/own"},
            "https://c.example/own",
            "http/protobuf",
            "https://c.example/own/v1/identities",
        ),
        (
            {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "https://c.example/v1/traces"},
            "https://c.example/v1/traces",
            "http/protobuf",
            "https://c.example/v1/identities",
        ),
        (
            {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c.example:4317"},
            "http://c.example:4317",
            "grpc",
            "http://c.example:4318/v1/identities",
        ),
        (
            {
                "OTEL_EXPORTER_OTLP_ENDPOINT": "c.example:9000",
                "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc",
            },
            "http://c.example:9000",
            "grpc",
            "",
        ),
        (
            {
                "OTEL_EXPORTER_OTLP_ENDPOINT": "http://elsewhere:4317",
                "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc",
                "AUDITSPAN_ENDPOINT": "http://audit:4318",
            },
            "http://audit:4318/v1/traces",
            "http/protobuf",
            "http://audit:4318/v1/identities",
        ),
    ],
)
def test_endpoint_follows_the_standard(
    environ: dict[str, str], endpoint: str, protocol: str, identities: str
) -> None:
    """A common endpoint is a base, a signal's own is used as it is, and gRPC has no path."""
    transport = settings(environ).transport
    assert (transport.endpoint, transport.protocol) == (endpoint, protocol)
    assert transport.identities == identities


def test_headers_are_decoded_and_never_shown() -> None:
    """The credential is in force and in no representation."""
    environ = {"OTEL_EXPORTER_OTLP_HEADERS": "authorization=Bearer%20secret-key,x-a=b"}
    found = settings(environ)
    assert found.transport.headers == (("authorization", "Bearer secret-key"), ("x-a", "b"))
    assert "secret-key" not in repr(found)


def test_headers_of_another_backend_are_not_sent_to_the_collector() -> None:
    """If the collector has headers of its own."""
    environ = {
        "OTEL_EXPORTER_OTLP_HEADERS": "x-vendor-key=v",
        "AUDITSPAN_HEADERS": "authorization=Bearer k",
    }
    assert settings(environ).transport.headers == (("authorization", "Bearer k"),)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "udp", "http/protobuf or grpc"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector", "http://localhost:4318"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://u:p@collector", "http://localhost:4318"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:99999", "http://localhost:4318"),
    ],
)
def test_what_is_no_way_to_a_collector_is_refused(name: str, value: str, expected: str) -> None:
    """A wrong value is told with what is expected."""
    with pytest.raises(SettingsInvalid, match=expected):
        settings({name: value})


@pytest.mark.parametrize("text", ["http://u:s3cret@collector", "ftp://u:s3cret@c", "u:s3cret@c"])
def test_a_password_in_an_address_is_not_shown(text: str) -> None:
    """The refusal goes into a log, and says where credentials belong."""
    with pytest.raises(SettingsInvalid, match="credentials belong into headers") as caught:
        settings({"OTEL_EXPORTER_OTLP_ENDPOINT": text})
    assert "s3cret" not in str(caught.value)


def test_a_header_that_is_none_is_left_out_and_not_quoted(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Whoever forgets the name of a header finds a warning, and no credential in the log."""
    found = settings({"OTEL_EXPORTER_OTLP_HEADERS": "Bearer s3cret,x-a=b"})
    assert found.transport.headers == (("x-a", "b"),)
    assert "invalid" in caplog.text.lower() and "s3cret" not in caplog.text
