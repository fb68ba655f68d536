"""The exchange of users' tokens for statements."""

import asyncio
import json
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from jwt.algorithms import OKPAlgorithm

from auditspan.collector.front.auth_config import AuthConfig, IdentitiesConfig, UserIssuerConfig
from auditspan.collector.front.authentication import Authenticator, Bindings
from auditspan.collector.front.identities import MAX_BODY, OUTCOMES, Answer, Identities
from auditspan.identity.api_keys import ApiKeys
from auditspan.identity.credentials import Credentials
from auditspan.identity.statement import Statement, StatementSigner, StatementVerifier

NOW = 1_700_000_000.0
ISSUER_KEY = ed25519.Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
SIGNER = StatementSigner(ed25519.Ed25519PrivateKey.from_private_bytes(bytes(32)))
VERIFIER = StatementVerifier({"keys": [SIGNER.jwk]})
CLAIMS = {
    "iss": "https://id.example",
    "aud": "auditspan",
    "azp": "desk",
    "sub": "alice",
    "email": "alice@example.org",
    "roles": ["clerk"],
    "scope": "read write",
    "exp": int(NOW) + 7200,
    "jti": "t1",
}


class Clock:
    """A clock that stands still until it is set."""

    at = NOW

    def __call__(self) -> float:
        return self.at


class House:
    """The exchange with a real issuer, keys and signer."""

    def __init__(self, folder: Path, **config: Any) -> None:
        jwks = folder / "jwks.json"
        jwk: dict[str, Any] = OKPAlgorithm.to_jwk(ISSUER_KEY.public_key(), as_dict=True)
        jwks.write_text(json.dumps({"keys": [{**jwk, "kid": "k"}]}))
        self.clock = Clock()
        issuer = UserIssuerConfig(
            issuer="https://id.example",
            audiences=("auditspan",),
            clients=("desk", "kiosk"),
            jwks_file=jwks,
            presenters={"kiosk": ("agent:kiosk",)},
        )
        self.keys = ApiKeys(folder / "api_keys.json", now=self.clock)
        authenticator = Authenticator(
            AuthConfig(), self.keys, Bindings, now=self.clock, clock=self.clock
        )
        defaults: dict[str, Any] = {"issuers": (issuer,), "relays_name_agents": ("edge",)}
        self.counted: list[str] = []
        self.identities = Identities(
            IdentitiesConfig(**{**defaults, **config}),
            authenticator,
            SIGNER,
            count=self.counted.append,
            now=self.clock,
            clock=self.clock,
        )

    def post(
        self,
        body: object,
        principal: str | None = "agent:booking",
        content_type: str = "application/json",
        header: str | None = None,
    ) -> Answer:
        """Ask as a principal; bytes are sent as they are."""
        if principal is not None:
            header = f"Bearer {self.keys.issue(principal, expires_at=NOW + 10_000)[0]}"
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        credentials = Credentials(header, None, "127.0.0.1")
        return asyncio.run(self.identities.answer(credentials, content_type, data))


@pytest.fixture
def house(tmp_path: Path) -> House:
    """With the usual configuration."""
    return House(tmp_path)


def token(**change: Any) -> str:
    """A user's token."""
    claims = {name: value for name, value in {**CLAIMS, **change}.items() if value is not None}
    return jwt.encode(claims, ISSUER_KEY, algorithm="EdDSA", headers={"kid": "k"})


def said(answer: Answer) -> dict[str, Any]:
    """The JSON of an answer."""
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Cache-Control"] == "no-store"
    return dict(json.loads(answer.body))


def stated(answer: Answer, principal: str = "agent:booking") -> Statement:
    """The statement of a good answer."""
    assert answer.status == 200
    fields = said(answer)
    assert set(fields) == {"statement", "expires_at"}
    statement = VERIFIER.verify(fields["statement"], principal, NOW)
    assert fields["expires_at"] == statement.expires_at
    return statement


def test_a_token_becomes_a_statement(house: House) -> None:
    """About its user, for the principal that presented it, for a quarter of an hour."""
    statement = stated(house.post({"user_token": token()}))
    assert (statement.subject, statement.email, statement.client) == (
        "alice",
        "alice@example.org",
        "desk",
    )
    assert (statement.roles, statement.scopes) == (("clerk",), ("read", "write"))
    assert (statement.kind, statement.principal) == ("user", "agent:booking")
    assert statement.expires_at == NOW + 900
    assert house.counted == ["issued"]


def test_a_statement_holds_no_token(house: House) -> None:
    """Nor a part of it that could be used."""
    text = token()
    answer = house.post({"user_token": text})
    assert text.rsplit(".", 1)[1].encode() not in answer.body
    assert b'"t1"' not in answer.body


def test_a_statement_ends_with_its_token(house: House) -> None:
    """At the latest."""
    assert stated(house.post({"user_token": token(exp=int(NOW) + 60)})).expires_at == NOW + 60


@pytest.mark.parametrize(
    "bad",
    [
        token(exp=int(NOW) - 100),
        token(iss="https://evil.example"),
        token(aud="other"),
        token(azp="other"),
        token(sub=None),
        token(roles={"admin": True}),
        token(roles=["r" * 500] * 2 + [f"{n:0500}" for n in range(20)]),
        token()[:-4],
        "ask_0123456789abcdef_" + "0" * 64,
        "not a token",
    ],
)
def test_a_bad_token_is_refused(house: House, bad: str) -> None:
    """With a reason, and without an echo of it."""
    answer = house.post({"user_token": bad})
    assert answer.status == 422
    fields = said(answer)
    assert fields["error"] == "refused"
    assert fields["retryable"] is False
    assert fields["message"].startswith("user_token: ")
    assert bad.encode() not in answer.body
    assert house.counted == ["refused"]


def test_a_token_is_for_the_agents_of_its_client(house: House) -> None:
    """Where the configuration says whose it is, a stolen one is worth nothing to others."""
    kiosk = token(azp="kiosk")
    assert house.post({"user_token": kiosk}).status == 403
    assert stated(house.post({"user_token": kiosk}, "agent:kiosk"), "agent:kiosk").client == "kiosk"


def test_nobody_without_credential_gets_a_statement(house: House) -> None:
    """Unless that is configured."""
    answer = house.post({"user_token": token()}, principal=None)
    assert answer.status == 403
    assert "identities.anonymous" in said(answer)["message"]


def test_anonymous_senders_can_be_allowed(tmp_path: Path) -> None:
    """To try things out on one machine."""
    answer = House(tmp_path, anonymous=True).post({"user_token": token()}, principal=None)
    assert stated(answer, "anonymous").principal == "anonymous"


def test_a_bad_credential_is_told(house: House) -> None:
    """As HTTP has it."""
    answer = house.post({"user_token": token()}, principal=None, header="Bearer ask_bad")
    assert answer.status == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert house.counted == ["unauthenticated"]


def test_a_relay_exchanges_tokens_for_itself(house: House) -> None:
    """The statement is bound to the relay, which is who sends the spans."""
    answer = house.post({"user_token": token()}, "relay:edge")
    assert stated(answer, "relay:edge").subject == "alice"


def test_a_relay_may_name_the_agent_behind_it(house: House) -> None:
    """If the configuration trusts it so far."""
    statement = stated(house.post({"agent": "booking"}, "relay:edge"), "relay:edge")
    assert (statement.kind, statement.subject, statement.issuer) == (
        "agent",
        "booking",
        "relay:edge",
    )
    assert statement.expires_at == NOW + 900


@pytest.mark.parametrize("principal", ["relay:other", "agent:edge", "agent:booking", None])
def test_nobody_else_names_an_agent(house: House, principal: str | None) -> None:
    """An agent is named by its own credential."""
    answer = house.post({"agent": "booking"}, principal)
    assert answer.status == 403
    assert house.counted == ["not_allowed"]


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"", "application/json", 400),
        (b"[]", "application/json", 400),
        (b"{}", "application/json", 400),
        (b"\xff", "application/json", 400),
        (b'{"user_token": "a", "user_token": "b"}', "application/json", 400),
        (b'{"user_token": ""}', "application/json", 400),
        (b'{"user_token": 1}', "application/json", 400),
        (b'{"user_token": "a", "agent": "b"}', "application/json", 400),
        (b'{"user_token": "a", "lifetime": 9}', "application/json", 400),
        (b'{"agent": "' + b"a" * 257 + b'"}', "application/json", 400),
        (b'{"user_token": "a"}', "text/plain", 415),
        (b'{"user_token": "a"}', "", 415),
        (b'{"user_token": "' + b"a" * MAX_BODY + b'"}', "application/json", 413),
    ],
)
def test_another_body_is_refused(house: House, body: bytes, content_type: str, status: int) -> None:
    """Before anybody is authenticated."""
    answer = house.post(body, content_type=content_type)
    assert answer.status == status
    assert said(answer)["error"] == "malformed"
    assert house.counted == ["malformed"]


def test_the_content_type_may_have_a_charset(house: House) -> None:
    """As many clients write it."""
    stated(house.post({"user_token": token()}, content_type="Application/JSON; charset=utf-8"))


def test_exchanges_are_limited_per_principal(tmp_path: Path) -> None:
    """Each waits for itself."""
    house = House(tmp_path, requests_per_minute=2)
    for _ in range(2):
        stated(house.post({"user_token": token()}))
    house.clock.at += 15.5
    answer = house.post({"user_token": token()})
    assert answer.status == 429
    assert answer.headers["Retry-After"] == "45"
    assert said(answer)["retryable"] is True
    assert house.post({"user_token": token()}, "agent:other").status == 200


def test_an_issuer_that_is_down_is_retryable(tmp_path: Path) -> None:
    """The agent records without the user and tries again."""
    issuer = UserIssuerConfig(
        issuer="https://id.example",
        audiences=("auditspan",),
        clients=("desk",),
        jwks_url="http://127.0.0.1:9/jwks",
        allow_http_loopback=True,
    )
    answer = House(tmp_path, issuers=(issuer,)).post({"user_token": token()})
    assert answer.status == 503
    assert answer.headers["Retry-After"] == "60"
    assert said(answer)["retryable"] is True


def test_every_outcome_that_is_counted_is_announced(house: House) -> None:
    """Metrics are declared from the list, so nothing else may be counted."""
    house.post({"user_token": token()})
    house.post(b"")
    house.post({"user_token": "bad"})
    house.post({"agent": "x"})
    assert set(house.counted) <= set(OUTCOMES)
    assert len(set(house.counted)) == 4


def test_a_lifetime_is_an_hour_at_most() -> None:
    """A statement is not a session."""
    IdentitiesConfig(lifetime_seconds=3600)
    with pytest.raises(ValueError, match="3600"):
        IdentitiesConfig(lifetime_seconds=3601)


def test_key_sets_are_kept_fresh(house: House) -> None:
    """As a task that runs until it is cancelled."""

    async def run() -> None:
        task = asyncio.create_task(house.identities.keep_fresh())
        await asyncio.sleep(0.02)
        assert not task.done()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(run())
