"""How the collector is reached: by `OTEL_EXPORTER_OTLP_…`, and by ours, which go before them.

https://opentelemetry.io/docs/specs/otel/protocol/exporter/ for the standard ones; what is set for
traces alone (`OTEL_EXPORTER_OTLP_TRACES_…`) goes before what is set for all.
"""

import logging
from dataclasses import dataclass
from typing import Literal
from urllib.parse import SplitResult, urlsplit

from opentelemetry.util.re import parse_env_headers

from auditspan.instrumentation import environment_variables as names
from auditspan.instrumentation.environment import Environment
from auditspan.instrumentation.errors import SettingsInvalid

Protocol = Literal["grpc", "http/protobuf"]


@dataclass(frozen=True, slots=True)
class Transport:
    """How to reach the collector."""

    endpoint: str
    """Where spans go: the full URL over HTTP, scheme and authority over gRPC."""
    protocol: Protocol
    """How they go."""
    headers: tuple[tuple[str, str], ...]
    """Sent with every request; holds the credential, so it is never logged."""
    gzip: bool
    """Whether bodies are compressed."""
    timeout: float
    """Seconds for one request."""
    certificate: str
    """File with the authority that signs the collector's certificate, "" for the system's."""
    client_certificate: str
    """File with our certificate, "" for none."""
    client_key: str
    """File with its key."""
    insecure: bool
    """Whether a user's token may cross a network in clear; loopback always may."""
    identities: str
    """Where tokens are exchanged, "" if unknown."""

    def __repr__(self) -> str:
        return f"Transport(endpoint={self.endpoint!r}, protocol={self.protocol!r})"


def transport_of(env: Environment) -> Transport:
    """What the environment says. Raises SettingsInvalid."""
    given = env.text(names.AUDITSPAN_ENDPOINT)
    own = "" if given else env.text("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
    base = given or own or env.text("OTEL_EXPORTER_OTLP_ENDPOINT")
    protocol = _protocol(env, base)
    base = base or ("http://localhost:4317" if protocol == "grpc" else "http://localhost:4318")
    url = _url(base, protocol)
    headers = env.text(names.AUDITSPAN_HEADERS) or env.otlp("HEADERS")
    insecure = env.otlp("INSECURE").lower() == "true"
    return Transport(
        endpoint=f"{url.scheme}://{url.netloc}" if protocol == "grpc" else _traces(url, bool(own)),
        protocol=protocol,
        headers=_headers(headers),
        gzip=env.otlp("COMPRESSION").lower() == "gzip",
        timeout=env.seconds("OTEL_EXPORTER_OTLP_TIMEOUT", 10.0) or 10.0,
        certificate=env.otlp("CERTIFICATE"),
        client_certificate=env.otlp("CLIENT_CERTIFICATE"),
        client_key=env.otlp("CLIENT_KEY"),
        insecure=insecure,
        identities=env.text(names.AUDITSPAN_IDENTITIES_ENDPOINT) or _identities(url, protocol),
    )


def _headers(text: str) -> tuple[tuple[str, str], ...]:
    """By name; the warning of the library about one that is none would quote it."""
    warns = logging.getLogger(parse_env_headers.__module__)
    warns.addFilter(_unquoted)
    try:
        return tuple(parse_env_headers(text, liberal=True).items())
    finally:
        warns.removeFilter(_unquoted)


def _unquoted(record: logging.LogRecord) -> bool:
    record.args = ("(not shown: it may be a credential)",)
    return True


def _protocol(env: Environment, base: str) -> Protocol:
    text = env.otlp("PROTOCOL").lower()
    authority = base.partition("//")[2].partition("/")[0]
    own = env.text(names.AUDITSPAN_ENDPOINT)
    if not text or (own and authority.endswith((":4317", ":4318"))):
        # The ports are standard; the protocol may be that of another backend.
        return "grpc" if authority.endswith(":4317") else "http/protobuf"
    if text in ("http/protobuf", "http/json"):
        return "http/protobuf"
    if text == "grpc":
        return "grpc"
    raise SettingsInvalid(
        f"OTEL_EXPORTER_OTLP_PROTOCOL is {text!r}, expected http/protobuf or grpc"
    )


def _url(text: str, protocol: Protocol) -> SplitResult:
    # gRPC endpoints are allowed without a scheme.
    bare = "://" not in text
    try:
        url = urlsplit(f"http://{text}" if bare and protocol == "grpc" else text)
        fine = url.scheme in ("http", "https") and bool(url.hostname) and url.port != 0
    except ValueError:
        fine = False
    if not fine or url.username is not None:
        _, at, address = text.rpartition("@")
        # What stands before the host is a password.
        shown, hint = (f"…@{address}", "; credentials belong into headers") if at else (text, "")
        raise SettingsInvalid(
            f"the OTLP endpoint is {shown!r}, expected something like http://localhost:4318{hint}"
        )
    return url


def _traces(url: SplitResult, exact: bool) -> str:
    """The signal's own endpoint is used as it is, the common one is a base."""
    if exact:
        return url.geturl()
    return f"{url.scheme}://{url.netloc}{url.path.rstrip('/')}/v1/traces"


def _identities(url: SplitResult, protocol: Protocol) -> str:
    if protocol == "grpc":
        if url.port != 4317:
            return ""
        host = url.netloc.rpartition(":")[0]
        return f"{url.scheme}://{host}:4318/v1/identities"
    path = url.path.rstrip("/").removesuffix("/v1/traces")
    return f"{url.scheme}://{url.netloc}{path}/v1/identities"
