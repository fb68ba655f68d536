"""An authority over a real data folder, with real keys, tokens and certificates."""

import asyncio
import json
from pathlib import Path
from typing import Any

from jwt.algorithms import OKPAlgorithm

from auditspan.collector.access.authority import Authority
from auditspan.collector.access.config import AccessConfig
from auditspan.collector.access.in_force import RegistryInForce
from auditspan.collector.bindings import bindings_in_force
from auditspan.collector.control.records import REGISTRY_APPLIED, ControlRecord, why_of
from auditspan.collector.control.versions import Versions
from auditspan.collector.data_dir import prepare
from auditspan.collector.front.auth_config import AuthConfig, IssuerConfig, RelayConfig
from auditspan.collector.secret_files import ensure_secrets
from auditspan.identity.api_keys import ApiKeys
from auditspan.identity.caller import Caller
from auditspan.identity.credentials import Credentials
from auditspan.registry import Bundle
from tests.collector.front.test_authentication import KEY, NOW, Clock

AGENT = """\
id: booking
name: Booking
owner: travel
purpose: books
risk_tier: high
credentials: {spiffe: "spiffe://example.org/booking"}
"""
ALICE = """\
id: person:alice
name: Alice
email: alice@example.com
roles: [policy, reader]
credentials:
  jwt: [{issuer: "https://id.example", subject: alice-1}]
  spiffe: spiffe://example.org/people/alice
"""
OTHERS = """\
- {id: "person:bob", name: Bob, roles: policy}
- {id: "person:carol", name: Carol, roles: [privacy], disabled: true}
- {id: "person:dave", name: Dave}
- {id: "service:grafana", name: Dashboards, roles: reader}
- {id: "service:edge", name: Edge, roles: gateway, credentials: {spiffe: "spiffe://example.org/gw"}}
"""
FILES = {
    "agents/booking.yaml": AGENT,
    "principals/alice.yaml": ALICE,
    "principals/others.yaml": OTHERS,
}


class House:
    """What a running collector asks about its callers."""

    def __init__(self, folder: Path, **config: Any) -> None:
        jwks = folder / "jwks.json"
        jwk: dict[str, Any] = OKPAlgorithm.to_jwk(KEY.public_key(), as_dict=True)
        jwks.write_text(json.dumps({"keys": [{**jwk, "kid": "k"}]}))
        issuer = IssuerConfig(
            issuer="https://id.example",
            audiences=("auditspan",),
            clients=("robot",),
            jwks_file=jwks,
        )
        defaults: dict[str, Any] = {
            "issuers": (issuer,),
            "trust_domains": ("example.org",),
            "failures_per_minute": 3,
        }
        self.data = prepare(folder / "data")
        self.clock = Clock()
        self.keys = ApiKeys(self.data.secret("api_keys.json"), now=self.clock)
        self.token = ensure_secrets(self.data).operator_token
        self.registry = RegistryInForce(self.data.folder("registry"))
        relay = RelayConfig(name="edge", spiffe=("spiffe://example.org/edge",))
        self.authority = Authority(
            AccessConfig(**{**defaults, **config}),
            self.keys,
            self.token,
            self.registry,
            bindings_in_force(self.registry, AuthConfig(relays=(relay,))),
            now=self.clock,
            clock=self.clock,
        )
        self._applied = 0

    def apply(self, **changed: str) -> None:
        """Put the registry in force, with changed files; `__` stands for `/`."""
        files = FILES | {name.replace("__", "/") + ".yaml": text for name, text in changed.items()}
        bundle = Bundle(files)
        bundle.registry()
        self._applied += 1
        record = ControlRecord(
            kind=REGISTRY_APPLIED,
            at_ns=self._applied,
            why=why_of("ops", "", ""),
            body=json.loads(bundle.to_json()),
        )
        Versions(self.data.folder("registry")).store(record)

    def ask(
        self, bearer: str | None = None, certificate: bytes | None = None, address: str = "10.0.0.9"
    ) -> Caller:
        """Authenticate one request."""
        header = None if bearer is None else f"Bearer {bearer}"
        return asyncio.run(self.authority.authenticate(Credentials(header, certificate, address)))

    def key(self, principal: str, issued_by: str = "operator") -> str:
        """A fresh API key."""
        return self.keys.issue(principal, expires_at=NOW + 1000, issued_by=issued_by)[0]
