"""Where the collector listens, with which certificates, and how much it takes at once.

A port beyond this machine demands TLS and senders that prove themselves, or says `insecure: true`.
"""

import ipaddress
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from auditspan.wire.spool import SpoolLimits

_MIB = 1 << 20
_APART_SECONDS = 2.6
"""Between small batches, so that a record is under a checkpoint within 3 s (docs/durability.md)."""


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class TlsConfig(_Model):
    """Certificates of a port."""

    cert_file: Path
    """Our certificate chain, PEM."""
    key_file: Path
    """Its key, PEM, mode 0600."""
    client_ca_file: Path | None = None
    """Certificates that client certificates must come from, PEM. Given, clients may present one."""
    require_client_certificate: bool = False
    """Whether a client without a certificate is turned away in the handshake."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.require_client_certificate and self.client_ca_file is None:
            raise ValueError("require_client_certificate needs client_ca_file")
        return self


class ListenConfig(_Model):
    """One port."""

    endpoint: str
    """`host:port`; port 0 takes a free one."""
    tls: TlsConfig | None = None
    """Certificates; without them the port speaks plain text."""
    insecure: bool = False
    """Allow plain text beyond this machine. Everything sent can then be read and changed on the
    way, credentials included."""

    @property
    def host(self) -> str:
        """The address to bind."""
        return self.endpoint.rpartition(":")[0].strip("[]")

    @property
    def port(self) -> int:
        """The port to bind."""
        return int(self.endpoint.rpartition(":")[2])

    def authority(self, port: int) -> str:
        """The host with a port, as in a URL."""
        return f"[{self.host}]:{port}" if ":" in self.host else f"{self.host}:{port}"

    @model_validator(mode="after")
    def _safe(self) -> Self:
        host, _, port = self.endpoint.rpartition(":")
        if not host or not port.isdecimal() or int(port) > 65_535:
            raise ValueError(f"endpoint is {self.endpoint!r}, expected host:port")
        if not is_local(self.host) and self.tls is None and not self.insecure:
            raise ValueError(
                f"endpoint {self.endpoint} is reachable from other machines without TLS: "
                "give tls.cert_file and tls.key_file, or say insecure: true"
            )
        return self


class _OtlpConfig(ListenConfig):
    """A port that takes OTLP."""

    enabled: bool = True
    """Whether to listen at all."""
    max_request_mib: int = Field(default=64, ge=1, le=256)
    """Largest request after decompression."""

    @property
    def max_request(self) -> int:
        """In bytes."""
        return self.max_request_mib * _MIB


class GrpcConfig(_OtlpConfig):
    """OTLP over gRPC."""

    endpoint: str = "127.0.0.1:4317"
    """`host:port`; port 0 takes a free one."""

    @model_validator(mode="after")
    def _certificates(self) -> Self:
        tls = self.tls
        if tls is not None and tls.client_ca_file and not tls.require_client_certificate:
            raise ValueError(
                "tls.client_ca_file: over gRPC a client is asked for a certificate only if it must "
                "have one: say tls.require_client_certificate: true, or take OTLP over HTTP"
            )
        return self


class HttpConfig(_OtlpConfig):
    """OTLP over HTTP."""

    endpoint: str = "127.0.0.1:4318"
    """`host:port`; port 0 takes a free one."""


class ApiConfig(ListenConfig):
    """Health, metrics and the control API."""

    endpoint: str = "127.0.0.1:8080"
    """`host:port`; port 0 takes a free one."""


class QueryConfig(ListenConfig):
    """The ClickHouse HTTP endpoint; it always demands the operator's token."""

    endpoint: str = "127.0.0.1:8123"
    """`host:port`; port 0 takes a free one."""
    enabled: bool = True
    """Whether to listen at all."""
    hosts: tuple[str, ...] = ()
    """Names besides this machine's own by which clients may call it (the Host header)."""


class SpoolConfig(_Model):
    """Where acknowledged requests wait, and when a batch is cut."""

    total_mib: int = Field(default=4096, ge=16)
    """Most that may wait; beyond it, requests are refused with a retryable answer."""
    principal_percent: int = Field(default=80, ge=1, le=100)
    """Share of the spool that one sender may fill; the rest is for the others."""
    principal_mib_per_second: float = Field(default=0.0, ge=0)
    """Fastest that one sender may send over ten seconds; 0 is no limit."""
    min_free_mib: int = Field(default=256, ge=0)
    """Space on the disk that is kept free for merges; below it, requests are refused with a
    retryable answer."""
    batch_spans: int = Field(default=20_000, ge=1, le=1_000_000)
    """Spans of a batch."""
    batch_mib: int = Field(default=64, ge=1, le=256)
    """Size of a batch."""
    batch_seconds: float = Field(default=1.0, gt=0, le=60)
    """Longest wait of a request for its batch to be cut. With fewer than 100 spans it waits until
    2.6 times that has passed since the batch before, at most 2.6 s: a batch costs as much for one
    span as for hundreds."""

    def limits(self) -> SpoolLimits:
        """As the spool takes them."""
        return SpoolLimits(
            spans=self.batch_spans,
            bytes=self.batch_mib * _MIB,
            seconds=self.batch_seconds,
            apart=max(self.batch_seconds, _APART_SECONDS * min(self.batch_seconds, 1.0)),
            total_bytes=self.total_mib * _MIB,
        )


def is_local(host: str) -> bool:
    """Whether a bind to this host is reachable from this machine only."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
