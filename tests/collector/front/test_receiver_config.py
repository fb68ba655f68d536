"""Ports and what they demand."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from auditspan.collector.front.receiver_config import (
    ApiConfig,
    GrpcConfig,
    HttpConfig,
    QueryConfig,
    SpoolConfig,
)
from auditspan.wire.spool import SpoolLimits

TLS: dict[str, Any] = {"cert_file": Path("c.pem"), "key_file": Path("k.pem")}


@pytest.mark.parametrize("port", [GrpcConfig, HttpConfig, ApiConfig, QueryConfig])
@pytest.mark.parametrize("endpoint", ["0.0.0.0:1", "[::]:1", "10.0.0.1:1", "collector:1"])
def test_a_port_beyond_this_machine_demands_tls(port: Any, endpoint: str) -> None:
    """Or the word that says it is meant."""
    with pytest.raises(ValidationError, match=r"tls\.cert_file and tls\.key_file, or say insecure"):
        port(endpoint=endpoint)
    assert port(endpoint=endpoint, tls=TLS).tls is not None
    assert port(endpoint=endpoint, insecure=True).insecure


@pytest.mark.parametrize("endpoint", ["127.0.0.1:1", "localhost:1", "[::1]:1", "127.9.9.9:0"])
def test_a_port_of_this_machine_does_not(endpoint: str) -> None:
    """Its senders are on this machine."""
    assert GrpcConfig(endpoint=endpoint).tls is None


@pytest.mark.parametrize("endpoint", ["", "4317", ":4317", "localhost", "localhost:x", "h:70000"])
def test_an_endpoint_is_a_host_and_a_port(endpoint: str) -> None:
    """Nothing else is guessed at; all interfaces are said in words."""
    with pytest.raises(ValidationError, match="expected host:port"):
        GrpcConfig(endpoint=endpoint)


def test_over_grpc_a_certificate_is_demanded_or_not_asked_for() -> None:
    """gRPC for Python knows no third way, and silence would turn workloads away."""
    tls = {**TLS, "client_ca_file": Path("ca.pem")}
    with pytest.raises(ValidationError, match="require_client_certificate: true"):
        GrpcConfig.model_validate({"tls": tls})
    assert GrpcConfig.model_validate({"tls": {**tls, "require_client_certificate": True}}).tls
    assert HttpConfig.model_validate({"tls": tls}).tls


def test_a_demanded_certificate_needs_somebody_who_signs() -> None:
    """Or nobody could come in."""
    with pytest.raises(ValidationError, match="needs client_ca_file"):
        HttpConfig.model_validate({"tls": {**TLS, "require_client_certificate": True}})


def test_addresses_are_written_as_in_urls() -> None:
    """IPv6 in brackets."""
    assert GrpcConfig(endpoint="[::1]:4317").authority(7) == "[::1]:7"
    assert GrpcConfig().authority(7) == "127.0.0.1:7"


def test_the_limits_of_the_spool() -> None:
    """As DESIGN §4 has them."""
    assert SpoolConfig().limits() == SpoolLimits()
