"""The collector's configuration: one YAML file in the shape of the OpenTelemetry Collector's.

Precedence: environment over file over default. An environment variable names a key by its path,
`AUDITSPAN_CONFIG__RECEIVERS__OTLP__GRPC__ENDPOINT=127.0.0.1:5317`, and its value is read as YAML.
Secrets are files: a key that ends in `_file` takes a path, and no key takes a secret itself.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError, model_validator

from auditspan.collector.access.config import AccessConfig
from auditspan.collector.engine.config import CalendarConfig, EngineConfig, ProcessorsConfig
from auditspan.collector.errors import ConfigInvalid
from auditspan.collector.forward.config import ForwardConfig
from auditspan.collector.front.auth_config import AuthConfig, IdentitiesConfig, PoliciesConfig
from auditspan.collector.front.receiver_config import (
    ApiConfig,
    GrpcConfig,
    HttpConfig,
    QueryConfig,
    SpoolConfig,
)
from auditspan.collector.query.limits import ReadLimits
from auditspan.collector.signer.config import IntegrityConfig
from auditspan.registry.documents import Document
from auditspan.registry.documents import read as read_documents
from auditspan.registry.problems import from_validation
from auditspan.storage.config import ColdConfig, StoreConfig

PREFIX: Final = "AUDITSPAN_CONFIG__"


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class OtlpReceiverConfig(_Model):
    """OTLP in."""

    grpc: GrpcConfig = Field(default_factory=GrpcConfig)
    """OTLP over gRPC."""
    http: HttpConfig = Field(default_factory=HttpConfig)
    """OTLP over HTTP, protobuf and JSON, and the exchange of users' tokens."""
    max_attributes: int = Field(default=1000, ge=64, le=100_000)
    """Attributes of a span, event, link, scope or resource; those beyond are dropped and counted in
    its `dropped_attributes_count`."""
    max_in_flight_mib: int = Field(default=256, ge=1, le=65_536)
    """Requests in memory at once, of all senders and ports; beyond it, a request is refused with a
    retryable answer. The largest one that a port takes has to fit."""
    authentication: AuthConfig = Field(default_factory=AuthConfig)
    """Who may send."""
    identities: IdentitiesConfig = Field(default_factory=IdentitiesConfig)
    """Whose tokens are exchanged for identity statements."""
    policies: PoliciesConfig = Field(default_factory=PoliciesConfig)
    """How long policies last that agents fetch."""

    @model_validator(mode="after")
    def _largest_fits(self) -> Self:
        largest = max(port.max_request_mib for port in (self.grpc, self.http))
        if self.max_in_flight_mib < largest:
            raise ValueError(
                f"max_in_flight_mib is {self.max_in_flight_mib}, less than the {largest} MiB of "
                "the largest request (max_request_mib): give it at least as much"
            )
        return self


class ReceiversConfig(_Model):
    """What comes in."""

    otlp: OtlpReceiverConfig = Field(default_factory=OtlpReceiverConfig)
    """OpenTelemetry traces."""


class ExportersConfig(_Model):
    """What is passed on besides being stored."""

    otlp: ForwardConfig | None = None
    """Another OTLP backend that gets what was received, without credentials."""


class StorageConfig(_Model):
    """Where records go: the embedded engine by default, or a ClickHouse server."""

    url: str = ""
    """`http://host:8123` or `https://host:8443` of a server; empty is the embedded engine."""
    user: str = "default"
    """User on the server."""
    password_file: Path | None = None
    """File that holds the password, mode 0600."""
    database: str = "auditspan"
    """Database of our tables; made by the first migration."""
    cluster: str = ""
    """Name of the cluster for `ON CLUSTER`; empty for one server."""
    verify_tls: bool = True
    """Check the server's certificate."""
    ca_file: Path | None = None
    """Certificates to trust instead of the system's."""
    max_memory: int = 800_000_000
    """Bytes the embedded engine may take in all."""
    timeout: int = 60
    """Seconds to wait for a server's answer."""
    cold: ColdConfig | None = None
    """Another disk for old records of the embedded engine; none: they stay where they are."""

    @model_validator(mode="after")
    def _usable(self) -> Self:
        self.store(Path("store"))
        return self

    def store(self, path: Path) -> StoreConfig:
        """As storage takes it; `path` is where the embedded engine lies."""
        given = self.model_dump()
        return StoreConfig(**given) if self.url else StoreConfig(path=path, **given)


class ServiceConfig(_Model):
    """The service around the pipeline."""

    api: ApiConfig = Field(default_factory=ApiConfig)
    """Health, metrics and the control API."""
    query: QueryConfig = Field(default_factory=QueryConfig)
    """The ClickHouse HTTP endpoint over the store."""
    access: AccessConfig = Field(default_factory=AccessConfig)
    """How persons and services prove themselves at both."""
    query_limits: ReadLimits = Field(default_factory=ReadLimits)
    """What one statement of a reader may take."""
    spool: SpoolConfig = Field(default_factory=SpoolConfig)
    """Where acknowledged requests wait, and when a batch is cut."""
    calendar: CalendarConfig = Field(default_factory=CalendarConfig)
    """When the business works, for policies that ask."""
    integrity: IntegrityConfig = Field(default_factory=IntegrityConfig)
    """How records are sealed and logs are signed."""
    batch_hold_seconds: int = Field(default=600, ge=0)
    """How long a processed batch stays on disk after its rows are in the store."""
    drain_seconds: float = Field(default=30.0, ge=0, le=3600)
    """How long a stop waits until what is in the spool is stored; the rest is stored after the next
    start."""
    log_level: str = Field(default="info", pattern="^(debug|info|warning|error)$")
    """How much the service logs."""


class CollectorConfig(_Model):
    """Everything that can be configured."""

    receivers: ReceiversConfig = Field(default_factory=ReceiversConfig)
    """What comes in."""
    processors: ProcessorsConfig = Field(default_factory=ProcessorsConfig)
    """What happens to records before they are stored."""
    exporters: ExportersConfig = Field(default_factory=ExportersConfig)
    """What is passed on."""
    storage: StorageConfig = Field(default_factory=StorageConfig)
    """Where records go."""
    service: ServiceConfig = Field(default_factory=ServiceConfig)
    """The service around the pipeline."""

    def engine(self, store: Path) -> EngineConfig:
        """The part that the engine process is told."""
        return EngineConfig(
            storage=self.storage.store(store),
            processors=self.processors,
            calendar=self.service.calendar,
            query=self.service.query_limits,
            integrity=self.service.integrity,
            batch_hold_seconds=self.service.batch_hold_seconds,
        )


def load(path: Path | None, environment: Mapping[str, str] | None = None) -> CollectorConfig:
    """Check a file; without one, the defaults. Raises `ConfigInvalid` with every problem."""
    document = _document(path) if path else Document("defaults", {}, {})
    value = document.value if document.value is not None else {}
    if not isinstance(value, dict):
        raise ConfigInvalid(f"{document.file}: expected sections, found {type(value).__name__}")
    merged = _overridden(value, os.environ if environment is None else environment)
    try:
        return CollectorConfig.model_validate(merged)
    except ValidationError as error:
        problems = from_validation(error, CollectorConfig, document, ())
        raise ConfigInvalid("\n".join(str(problem) for problem in problems)) from error


def _document(path: Path) -> Document:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigInvalid(f"{path}: cannot be read: {error}") from error
    documents, problems = read_documents(str(path), text)
    if problems:
        raise ConfigInvalid("\n".join(str(problem) for problem in problems))
    if len(documents) > 1:
        raise ConfigInvalid(f"{path}: expected one YAML document, found {len(documents)}")
    return documents[0] if documents else Document(str(path), {}, {})


def _overridden(
    value: dict[str, JsonValue], environment: Mapping[str, str]
) -> dict[str, JsonValue]:
    for name in sorted(environment):
        if name.startswith(PREFIX):
            keys = name.removeprefix(PREFIX).lower().split("__")
            value = _with(value, keys, _scalar(name, environment[name]), name)
    return value


def _with(
    value: dict[str, JsonValue], keys: list[str], leaf: JsonValue, name: str
) -> dict[str, JsonValue]:
    head, *rest = keys
    if not rest:
        return {**value, head: leaf}
    inner = value.get(head)
    if inner is not None and not isinstance(inner, dict):
        raise ConfigInvalid(f"environment variable {name}: {head!r} is no section")
    return {**value, head: _with(inner or {}, rest, leaf, name)}


def _scalar(name: str, text: str) -> JsonValue:
    try:
        value: JsonValue = yaml.safe_load(text)
    # A date that there is not is a ValueError of the library; deep brackets exhaust its stack.
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ConfigInvalid(f"environment variable {name}: not YAML: {error}") from error
    return value
