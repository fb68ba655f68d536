"""Where received requests are passed on to."""

from pathlib import Path
from typing import Literal, Self
from urllib.parse import SplitResult, urlsplit

from pydantic import BaseModel, ConfigDict, Field, model_validator

from auditspan.collector.front.receiver_config import is_local

_MIB = 1 << 20


class ForwardConfig(BaseModel):
    """Another OTLP backend."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    endpoint: str
    """`https://host:4317`, or `http://` for a backend on this machine."""
    protocol: Literal["grpc", "http/protobuf"] = "grpc"
    """How the backend is spoken to. Over HTTP an endpoint without path gets `/v1/traces`."""
    headers_file: Path | None = None
    """File of `name: value` lines that are sent along, mode 0600; read again for each request."""
    ca_file: Path | None = None
    """Certificates to trust instead of the system's."""
    insecure: bool = False
    """Allow plain text to another machine."""
    compression: Literal["gzip", "none"] = "gzip"
    """How requests are compressed."""
    max_request_mib: int = Field(default=4, ge=1, le=256)
    """Larger requests are split; 4 is what most gRPC servers take."""
    queue_mib: int = Field(default=512, ge=1)
    """Most that may wait for the backend on disk; beyond it the oldest batch is dropped."""
    timeout_seconds: float = Field(default=10.0, gt=0, le=300)
    """Longest wait for an answer."""

    @model_validator(mode="after")
    def _usable(self) -> Self:
        url = _split(self.endpoint)
        if url.username is not None or url.password is not None:
            raise ValueError("endpoint: credentials do not belong there, use headers_file")
        if url.scheme == "http" and not is_local(url.hostname or "") and not self.insecure:
            raise ValueError(
                f"endpoint {url.hostname} is another machine and would get everything in plain "
                "text: use https, or say insecure: true"
            )
        if self.protocol == "grpc" and url.path.strip("/"):
            raise ValueError("endpoint: gRPC takes no path, only scheme, host and port")
        return self

    @property
    def tls(self) -> bool:
        """Whether the way is encrypted."""
        return _split(self.endpoint).scheme == "https"

    @property
    def target(self) -> str:
        """`host:port` for gRPC."""
        url = _split(self.endpoint)
        host = f"[{url.hostname}]" if ":" in (url.hostname or "") else url.hostname
        return f"{host}:{url.port or 4317}"

    @property
    def url(self) -> str:
        """The URL for HTTP."""
        url = _split(self.endpoint)
        return url._replace(path=url.path if url.path.strip("/") else "/v1/traces").geturl()

    @property
    def max_request(self) -> int:
        """In bytes."""
        return self.max_request_mib * _MIB

    @property
    def max_queue(self) -> int:
        """In bytes."""
        return self.queue_mib * _MIB


def _split(endpoint: str) -> SplitResult:
    url = urlsplit(endpoint)
    if url.scheme not in ("http", "https") or not url.hostname or url.query or url.fragment:
        raise ValueError("endpoint: expected http(s)://host:port")
    _ = url.port  # Raises ValueError if it is none.
    return url
