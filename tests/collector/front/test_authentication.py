"""Who sent a request."""

import asyncio
import datetime
import json
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from jwt.algorithms import OKPAlgorithm
from pydantic import ValidationError

from auditspan.collector.front.auth_config import AuthConfig, IssuerConfig, RelayConfig
from auditspan.collector.front.authentication import Authenticator, Bindings
from auditspan.collector.front.refusals import (
    Refusal,
    TooManyRequests,
    Unauthenticated,
    Unavailable,
)
from auditspan.identity.api_keys import ApiKeys
from auditspan.identity.credentials import Credentials
from auditspan.identity.principal import Principal
from auditspan.registry.models import Agent

NOW = 1_700_000_000.0
KEY = ed25519.Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
CERTIFICATE_KEY = ec.generate_private_key(ec.SECP256R1())
CLAIMS = {
    "iss": "https://id.example",
    "aud": "auditspan",
    "azp": "robot",
    "sub": "service-account",
    "exp": int(NOW) + 600,
    "jti": "t1",
}
AGENTS = [
    Agent.model_validate(
        {
            "id": "booking",
            "name": "Booking",
            "owner": "travel",
            "purpose": "books",
            "risk_tier": "high",
            "credentials": {
                "jwt": [
                    {"issuer": "https://id.example", "audience": "auditspan", "client": "robot"}
                ],
                "spiffe": ["spiffe://example.org/booking", "spiffe://example.org/shared"],
            },
        }
    ),
    Agent.model_validate(
        {
            "id": "other",
            "name": "Other",
            "owner": "travel",
            "purpose": "else",
            "risk_tier": "low",
            "disabled": True,
            "credentials": {"spiffe": ["spiffe://example.org/shared"]},
        }
    ),
]


class Clock:
    """A clock that stands still until it is set."""

    at = NOW

    def __call__(self) -> float:
        return self.at


class House:
    """An authenticator with real keys, tokens and certificates."""

    def __init__(self, folder: Path, **config: Any) -> None:
        jwks = folder / "jwks.json"
        jwk: dict[str, Any] = OKPAlgorithm.to_jwk(KEY.public_key(), as_dict=True)
        jwks.write_text(json.dumps({"keys": [{**jwk, "kid": "k"}]}))
        issuer = IssuerConfig(
            issuer="https://id.example",
            audiences=("auditspan", "old"),
            clients=("robot", "edge", "stray"),
            jwks_file=jwks,
        )
        relay = RelayConfig(
            name="edge",
            spiffe=("spiffe://example.org/edge",),
            jwt=(("https://id.example", "auditspan", "edge"),),
        )
        defaults: dict[str, Any] = {
            "issuers": (issuer,),
            "trust_domains": ("example.org",),
            "relays": (relay,),
            "failures_per_minute": 3,
        }
        self.config = AuthConfig(**{**defaults, **config})
        self.clock = Clock()
        self.keys = ApiKeys(folder / "api_keys.json", now=self.clock)
        self.bindings = Bindings.of(AGENTS, self.config)
        self.authenticator = Authenticator(
            self.config, self.keys, lambda: self.bindings, now=self.clock, clock=self.clock
        )

    def ask(
        self, bearer: str | None = None, certificate: bytes | None = None, address: str = "10.0.0.9"
    ) -> Principal:
        """Authenticate one request."""
        header = None if bearer is None else f"Bearer {bearer}"
        credentials = Credentials(header, certificate, address)
        return asyncio.run(self.authenticator.authenticate(credentials))

    def key(self, principal: str = "agent:booking") -> str:
        """A fresh API key."""
        return self.keys.issue(principal, expires_at=NOW + 1000)[0]


@pytest.fixture
def house(tmp_path: Path) -> House:
    """With the usual configuration."""
    return House(tmp_path)


def token(**change: Any) -> str:
    """A token of the issuer."""
    return jwt.encode({**CLAIMS, **change}, KEY, algorithm="EdDSA", headers={"kid": "k"})


def certificate(uri: str) -> bytes:
    """A client certificate with this SPIFFE id."""
    day = datetime.timedelta(days=1)
    now = datetime.datetime.fromtimestamp(NOW, datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([]))
        .issuer_name(x509.Name([]))
        .public_key(CERTIFICATE_KEY.public_key())
        .serial_number(1)
        .not_valid_before(now - day)
        .not_valid_after(now + day)
        .add_extension(x509.SubjectAlternativeName([x509.UniformResourceIdentifier(uri)]), True)
        .sign(CERTIFICATE_KEY, hashes.SHA256())
        .public_bytes(serialization.Encoding.DER)
    )


def test_an_api_key_proves_an_agent_or_relay(house: House) -> None:
    """Whether the registry knows the agent is for the pipeline to find."""
    principal = house.ask(house.key())
    assert (principal.id, principal.method, principal.address) == (
        "agent:booking",
        "api_key",
        "10.0.0.9",
    )
    assert house.ask(house.key("relay:edge")).kind == "relay"


def test_a_token_proves_the_agent_that_its_triple_is_bound_to(house: House) -> None:
    """Issuer, audience and client together, as in the registry."""
    principal = house.ask(token(aud=["auditspan", "old", "x"]))
    assert (principal.id, principal.agent_id, principal.method) == (
        "agent:booking",
        "booking",
        "jwt",
    )
    assert principal.expires_at == int(NOW) + 600
    assert principal.credential.startswith("sha256:")
    assert house.ask(token(azp="edge")).id == "relay:edge"


@pytest.mark.parametrize("change", [{"aud": "old"}, {"azp": "stray"}])
def test_a_genuine_token_without_binding_proves_nobody(
    house: House, change: dict[str, Any]
) -> None:
    """The message says where to bind it."""
    with pytest.raises(Unauthenticated, match=r"credentials\.jwt"):
        house.ask(token(**change))


def test_a_certificate_proves_the_agent_that_its_id_is_bound_to(house: House) -> None:
    """A disabled agent is still told by name; the pipeline finds that it is disabled."""
    principal = house.ask(certificate=certificate("spiffe://example.org/booking"))
    assert (principal.id, principal.method) == ("agent:booking", "mtls")
    assert principal.credential.startswith("sha256:")
    edge = house.ask(certificate=certificate("spiffe://example.org/edge"))
    assert (edge.id, edge.kind) == ("relay:edge", "relay")


@pytest.mark.parametrize(
    "uri",
    [
        "spiffe://example.org/shared",
        "spiffe://example.org/unknown",
        "spiffe://elsewhere.org/booking",
        "https://example.org/booking",
    ],
)
def test_a_certificate_that_is_bound_to_none_or_two_proves_nobody(house: House, uri: str) -> None:
    """Even on loopback: a credential that fails is not as good as none."""
    with pytest.raises(Unauthenticated):
        house.ask(certificate=certificate(uri), address="127.0.0.1")


def test_the_bearer_decides_alone(house: House) -> None:
    """A mesh's certificate never lends its name to a bad key, nor overrides a good one."""
    mesh = certificate("spiffe://example.org/edge")
    assert house.ask(house.key(), mesh).id == "agent:booking"
    with pytest.raises(Unauthenticated):
        house.ask("ask_nonsense", mesh)


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_loopback_needs_no_credential(house: House, address: str) -> None:
    """What it says is a claim."""
    principal = house.ask(address=address)
    assert (principal.id, principal.kind, principal.method) == ("anonymous", "anonymous", "none")


@pytest.mark.parametrize("header", ["Basic abc", "", "Bearer", "Bearer bad", "Bearer ask_bad"])
def test_a_bad_credential_on_loopback_is_refused(house: House, header: str) -> None:
    """It never counts as none: somebody meant to be known."""
    credentials = Credentials(header, None, "127.0.0.1")
    with pytest.raises(Unauthenticated):
        asyncio.run(house.authenticator.authenticate(credentials))


def test_everybody_else_needs_one(tmp_path: Path) -> None:
    """Unless the configuration says insecure in so many words."""
    with pytest.raises(Unauthenticated, match="Bearer"):
        House(tmp_path).ask()
    with pytest.raises(Unauthenticated):
        House(tmp_path, anonymous_loopback=False).ask(address="127.0.0.1")
    assert House(tmp_path, insecure=True).ask().kind == "anonymous"


def test_a_changed_registry_counts_at_once(house: House) -> None:
    """A binding that was taken away proves nobody any more."""
    house.ask(token())
    house.bindings = Bindings()
    with pytest.raises(Unauthenticated):
        house.ask(token())


def test_failures_are_limited_per_address(house: House) -> None:
    """The fourth is told to wait, also with the right key, and others are not concerned."""
    key = house.key()
    for _ in range(3):
        with pytest.raises(Unauthenticated):
            house.ask("ask_guess")
    house.clock.at += 20
    with pytest.raises(TooManyRequests) as limited:
        house.ask(key)
    assert limited.value.retry_after == 40
    assert limited.value.retryable
    assert house.ask(key, address="10.0.0.10").id == "agent:booking"
    house.clock.at += 40
    assert house.ask(key).id == "agent:booking"


def test_a_neighbour_cannot_silence_a_sender_that_proved_itself(house: House) -> None:
    """Two agents on one machine, one with an old key: the other goes on."""
    key = house.key()
    house.ask(key)
    for _ in range(3):
        with pytest.raises(Unauthenticated):
            house.ask("ask_guess")
    assert house.ask(key).id == "agent:booking"
    with pytest.raises(TooManyRequests):
        house.ask("ask_guess")


def test_a_sender_that_proved_itself_once_is_limited_when_it_fails(house: House) -> None:
    """An expired key is no pass."""
    key = house.key()
    house.ask(key)
    house.clock.at += 1000
    for _ in range(3):
        with pytest.raises(Unauthenticated, match="expired"):
            house.ask(key)
    with pytest.raises(TooManyRequests):
        house.ask(key)


def test_keys_that_cannot_be_had_are_retryable(tmp_path: Path) -> None:
    """An issuer that is down is no reason for an agent to drop its records."""
    down = IssuerConfig(
        issuer="https://id.example",
        audiences=("auditspan",),
        clients=("robot",),
        jwks_url="http://127.0.0.1:9/jwks",
        allow_http_loopback=True,
    )
    with pytest.raises(Unavailable) as unavailable:
        House(tmp_path, issuers=(down,)).ask(token())
    assert unavailable.value.retryable
    assert unavailable.value.status == 503


def test_a_refusal_quotes_no_credential(house: House) -> None:
    """It is sent back and logged."""
    bad = token(aud="s3cret-audience")
    for bearer in (bad, "ask_s3cret", "s3cret.s3cret.s3cret"):
        with pytest.raises(Refusal) as refused:
            house.ask(bearer, address=f"10.1.0.{len(bearer) % 250}")
        error: BaseException | None = refused.value
        while error is not None:
            assert "s3cret" not in str(error)
            error = error.__cause__


def test_key_sets_are_kept_fresh(tmp_path: Path) -> None:
    """As a task that runs until it is cancelled."""

    async def run() -> None:
        task = asyncio.create_task(House(tmp_path).authenticator.keep_fresh())
        await asyncio.sleep(0.05)
        assert not task.done()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(run())


@pytest.mark.parametrize(
    "change",
    [
        {"jwks_file": None},
        {"jwks_url": "https://id.example/jwks"},
        {"audiences": ()},
        {"clients": ()},
        {"algorithms": ("HS256",)},
        {"algorithms": ("none",)},
        {"skew_seconds": 301},
        {"jwks": "x"},
    ],
)
def test_an_unsafe_issuer_is_refused(change: dict[str, Any]) -> None:
    """At start."""
    good: dict[str, Any] = {
        "issuer": "i",
        "audiences": ("a",),
        "clients": ("c",),
        "jwks_file": "/jwks",
    }
    IssuerConfig(**good)
    with pytest.raises(ValidationError):
        IssuerConfig(**{**good, **change})


def test_a_key_url_must_be_https() -> None:
    """Plain http is for tests on loopback."""
    good: dict[str, Any] = {"issuer": "i", "audiences": ("a",), "clients": ("c",)}
    IssuerConfig(**good, jwks_url="https://id.example/jwks")
    with pytest.raises(Exception, match="https"):
        IssuerConfig(**good, jwks_url="http://id.example/jwks")
