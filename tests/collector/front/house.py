"""Everything between the ports and the spool, with a real exchange of users' tokens."""

import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ed25519
from jwt.algorithms import OKPAlgorithm
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from auditspan.collector.front.admission import Admission
from auditspan.collector.front.auth_config import AuthConfig, IdentitiesConfig, UserIssuerConfig
from auditspan.collector.front.authentication import Authenticator, Bindings
from auditspan.collector.front.identities import Identities
from auditspan.collector.front.metrics import Metrics
from auditspan.collector.front.retransmissions import Retransmissions, in_spool
from auditspan.identity.api_keys import ApiKeys
from auditspan.identity.principal import Principal, agent_principal
from auditspan.identity.statement import StatementSigner
from auditspan.wire.envelope import Envelope
from auditspan.wire.segments import closed_segments, read_frames
from auditspan.wire.spool import SpoolLimits
from tests.collector.front.spools import LONG, Spool

NOW = 1_700_000_000.0
ISSUER_KEY = ed25519.Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
SIGNER = StatementSigner(ed25519.Ed25519PrivateKey.from_private_bytes(bytes(32)))
CLAIMS = {
    "iss": "https://id.example",
    "aud": "auditspan",
    "azp": "desk",
    "sub": "alice",
    "exp": int(NOW) + 7200,
    "jti": "t1",
}
AGENT = agent_principal("booking", "api_key", "k1", "10.0.0.1", 0)


class House:
    """Everything between the ports and the spool."""

    def __init__(self, folder: Path, limits: SpoolLimits = LONG) -> None:
        jwks = folder / "jwks.json"
        jwk: dict[str, Any] = OKPAlgorithm.to_jwk(ISSUER_KEY.public_key(), as_dict=True)
        jwks.write_text(json.dumps({"keys": [{**jwk, "kid": "k"}]}))
        self.spool = Spool(folder / "spool", limits)
        self.metrics = Metrics()
        auth = AuthConfig()
        keys = ApiKeys(folder / "api_keys.json")
        self.authenticator = Authenticator(auth, keys, Bindings, now=lambda: NOW)
        issuer = UserIssuerConfig(
            issuer="https://id.example",
            audiences=("auditspan",),
            clients=("desk",),
            jwks_file=jwks,
        )
        self.identities = Identities(
            IdentitiesConfig(issuers=(issuer,)), self.authenticator, SIGNER, now=lambda: NOW
        )
        self.admission = self.restarted()

    def restarted(self) -> Admission:
        """An admission that begins with what is in the spool."""
        seen = Retransmissions(now=lambda: NOW)
        seen.seed(in_spool(self.spool.folder, NOW))
        return Admission(
            self.authenticator,
            self.identities,
            self.spool.committer,
            seen,
            self.metrics,
            now_ns=lambda: int(NOW * 1e9),
        )

    def run(self, use: Callable[[], Awaitable[None]]) -> list[Envelope]:
        """Use it, and close the spool; what is in there then."""
        self.spool.run(use)
        return self.stored()

    def stored(self) -> list[Envelope]:
        """What the closed segments hold."""
        paths = closed_segments(self.spool.folder)
        return [envelope for path in paths for _, envelope in read_frames(path)]

    def sent(self, *bodies: bytes, principal: Principal = AGENT) -> list[Envelope]:
        """Admit bodies one after the other."""

        async def use() -> None:
            for body in bodies:
                await self.admission.admit(body, "protobuf", principal)

        return self.run(use)


def token(**claims: Any) -> str:
    """A user's token."""
    return jwt.encode({**CLAIMS, **claims}, ISSUER_KEY, "EdDSA", {"kid": "k"})


def request(name: str = "span", **attributes: str) -> ExportTraceServiceRequest:
    """A request with one span."""
    made = ExportTraceServiceRequest()
    spans = made.resource_spans.add().scope_spans.add().spans
    span = spans.add(trace_id=b"t" * 16, span_id=b"s" * 8, name=name)
    for key, value in attributes.items():
        span.attributes.add(key=key.replace("__", ".")).value.string_value = value
    return made
