"""What the environment says: ours in `AUDITSPAN_…`, transport in `OTEL_EXPORTER_OTLP_…`.

https://opentelemetry.io/docs/specs/otel/protocol/exporter/ for the standard ones; what is set for
traces alone (`OTEL_EXPORTER_OTLP_TRACES_…`) goes before what is set for all.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar
from urllib.parse import SplitResult, urlsplit

from opentelemetry.util.re import parse_env_headers

from auditspan.instrumentation import environment_variables as names
from auditspan.instrumentation.errors import SettingsInvalid

Mode = Literal["observe", "enforce"]
FailMode = Literal["open", "closed"]
Protocol = Literal["grpc", "http/protobuf"]
Content = Literal["arguments", "results", "calls", "messages"]
CONTENTS: tuple[Content, ...] = ("arguments", "results", "calls", "messages")
_DEFAULT_CAPTURE = "arguments,results,calls"
_MIB = 1024 * 1024
W = TypeVar("W", bound=str)


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


@dataclass(frozen=True, slots=True)
class PolicySource:
    """Policies that the collector signs for this agent."""

    url: str
    """Where they are fetched."""
    keys: Path
    """File with the public keys that may have signed them: the collector's `statement.jwks.json`.
    """
    deployment: str
    """Whose they must be: domain and deployment of the collector's configuration."""
    folder: Path
    """Keeps the last ones and their number, beside the spool."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that the environment sets, checked."""

    transport: Transport
    agent_id: str
    """Identifier of the agent in the registry."""
    agent_name: str
    """What people call it."""
    environment: str
    """`deployment.environment.name` of the resource."""
    spool: Path
    """Folder that keeps spans until the collector has them."""
    spool_max_bytes: int
    """Most that the folder may hold."""
    fsync: bool
    """Whether each span is forced to disk: it survives a power cut then, not only a kill."""
    registry: Path | None
    """Folder with tools and policies; it goes before those of the collector, and records say so."""
    policies: PolicySource | None
    """Where the collector's policies come from; without these and a folder nothing is guarded."""
    mode: Mode
    """`observe` writes down what the policies say, `enforce` holds calls to it."""
    fail: FailMode
    """What holds when no decision or no record can be made: `open` goes on, `closed` denies."""
    disabled_adapters: frozenset[str]
    """Frameworks whose tool calls are left unguarded on purpose."""
    require_guard: bool
    """Whether nothing may start while tool calls of an installed framework would pass unguarded."""
    capture: frozenset[Content]
    """Content that is put on spans."""
    capture_max_bytes: int
    """Longest text of one value."""
    hash_key: Path | None
    """File with the key of argument and result hashes; without it the collector computes them."""
    pending_seconds: float
    """After how long a call that has not ended is recorded as pending."""
    exit_seconds: float
    """How long the end of the process may wait for the collector."""

    @property
    def guarded(self) -> bool:
        """Whether there are policies to ask."""
        return self.registry is not None or self.policies is not None

    @property
    def closed(self) -> bool:
        """Whether a fault denies."""
        return self.mode == "enforce" and self.fail == "closed"


def settings(environ: Mapping[str, str] | None = None) -> Settings:
    """Read the environment. Raises SettingsInvalid."""
    env = _Environment(os.environ if environ is None else environ)
    mode: Mode = env.word(names.AUDITSPAN_GUARD_MODE, ("observe", "enforce"), "observe")
    resource = _pairs(env.text("OTEL_RESOURCE_ATTRIBUTES"))
    transport = _transport(env)
    agent_id = env.text(names.AUDITSPAN_AGENT_ID) or resource.get("gen_ai.agent.id", "")
    spool = env.path(names.AUDITSPAN_SPOOL_DIR) or _state_folder(env) / "auditspan" / "spool"
    return Settings(
        transport=transport,
        agent_id=agent_id,
        agent_name=env.text(names.AUDITSPAN_AGENT_NAME) or resource.get("gen_ai.agent.name", ""),
        environment=resource.get("deployment.environment.name", ""),
        spool=spool,
        spool_max_bytes=env.whole(names.AUDITSPAN_SPOOL_MAX_BYTES, 256 * _MIB),
        fsync=env.truth(names.AUDITSPAN_SPOOL_FSYNC),
        registry=env.path(names.AUDITSPAN_REGISTRY),
        policies=_policies(env, transport, agent_id, spool),
        mode=mode,
        fail=env.word(
            names.AUDITSPAN_FAIL_MODE, ("open", "closed"), "closed" if mode == "enforce" else "open"
        ),
        disabled_adapters=env.words(names.AUDITSPAN_DISABLED_ADAPTERS),
        require_guard=env.truth(names.AUDITSPAN_REQUIRE_GUARD),
        capture=_capture(env),
        capture_max_bytes=env.whole(names.AUDITSPAN_CAPTURE_MAX_BYTES, 128 * 1024),
        hash_key=env.path(names.AUDITSPAN_HASH_KEY_FILE),
        pending_seconds=env.seconds(names.AUDITSPAN_PENDING_SECONDS, 900.0),
        exit_seconds=env.seconds(names.AUDITSPAN_EXIT_SECONDS, 5.0),
    )


@dataclass(frozen=True, slots=True)
class _Environment:
    values: Mapping[str, str]

    def text(self, *keys: str) -> str:
        """The first that is set and not empty."""
        return next((text for key in keys if (text := self.values.get(key, "").strip())), "")

    def otlp(self, name: str) -> str:
        return self.text(f"OTEL_EXPORTER_OTLP_TRACES_{name}", f"OTEL_EXPORTER_OTLP_{name}")

    def word(self, key: str, known: tuple[W, ...], otherwise: str) -> W:
        text = self.text(key).lower() or otherwise
        found = next((word for word in known if word == text), None)
        if found is None:
            raise SettingsInvalid(f"{key} is {text!r}, expected {' or '.join(known)}")
        return found

    def whole(self, key: str, otherwise: int) -> int:
        text = self.text(key) or str(otherwise)
        if not (text.isascii() and text.isdigit() and int(text) > 0):
            raise SettingsInvalid(f"{key} is {text!r}, expected a number of bytes above 0")
        return int(text)

    def seconds(self, key: str, otherwise: float) -> float:
        text = self.text(key) or str(otherwise)
        try:
            value = float(text)
        except ValueError:
            value = -1.0
        if not 0 <= value <= 3600:
            raise SettingsInvalid(f"{key} is {text!r}, expected seconds from 0 to 3600")
        return value

    def words(self, key: str) -> frozenset[str]:
        """What stands between commas."""
        return frozenset(word.strip().lower() for word in self.text(key).split(",") if word.strip())

    def truth(self, key: str) -> bool:
        known: tuple[Literal["true", "false"], ...] = ("true", "false")
        return self.word(key, known, "false") == "true"

    def path(self, key: str) -> Path | None:
        text = self.text(key)
        return Path(text).expanduser().absolute() if text else None


def _capture(env: _Environment) -> frozenset[Content]:
    text = env.text(names.AUDITSPAN_CAPTURE).lower() or _DEFAULT_CAPTURE
    words = {word.strip() for word in text.split(",")}
    if words == {"none"}:
        return frozenset()
    if unknown := sorted(words - set(CONTENTS)):
        raise SettingsInvalid(
            f"{names.AUDITSPAN_CAPTURE} has {unknown[0]!r}, expected none or some of "
            f"{', '.join(CONTENTS)}"
        )
    return frozenset(content for content in CONTENTS if content in words)


def _policies(
    env: _Environment, transport: Transport, agent_id: str, spool: Path
) -> PolicySource | None:
    text = env.text(names.AUDITSPAN_POLICIES)
    if not text:
        return None
    own = transport.identities.removesuffix("/v1/identities")
    url = (own and f"{own}/v1/policies") if text == "collector" else text
    if not url.startswith(("http://", "https://")):
        raise SettingsInvalid(
            f"{names.AUDITSPAN_POLICIES} is {text!r}, expected `collector` with an OTLP endpoint "
            "that tells the collector's HTTP port, or a URL such as "
            "https://collector:4318/v1/policies"
        )
    keys = env.path(names.AUDITSPAN_POLICIES_KEYS)
    if keys is None or not agent_id:
        missing = names.AUDITSPAN_POLICIES_KEYS if keys is None else names.AUDITSPAN_AGENT_ID
        raise SettingsInvalid(f"{names.AUDITSPAN_POLICIES} is set, and {missing} is not: set both")
    deployment = env.text(names.AUDITSPAN_POLICIES_DEPLOYMENT) or "local/auditspan/default"
    return PolicySource(url, keys, deployment, spool.with_name(f"{spool.name}-policies"))


def _transport(env: _Environment) -> Transport:
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
        headers=tuple(parse_env_headers(headers, liberal=True).items()),
        gzip=env.otlp("COMPRESSION").lower() == "gzip",
        timeout=env.seconds("OTEL_EXPORTER_OTLP_TIMEOUT", 10.0) or 10.0,
        certificate=env.otlp("CERTIFICATE"),
        client_certificate=env.otlp("CLIENT_CERTIFICATE"),
        client_key=env.otlp("CLIENT_KEY"),
        insecure=insecure,
        identities=env.text(names.AUDITSPAN_IDENTITIES_ENDPOINT) or _identities(url, protocol),
    )


def _protocol(env: _Environment, base: str) -> Protocol:
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


def _state_folder(env: _Environment) -> Path:
    return env.path("XDG_STATE_HOME") or Path("~/.local/state").expanduser()


def _pairs(text: str) -> dict[str, str]:
    """`OTEL_RESOURCE_ATTRIBUTES`, as far as we look at it."""
    pairs = (pair.partition("=") for pair in text.split(","))
    return {key.strip(): value.strip() for key, _, value in pairs}
