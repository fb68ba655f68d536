"""Tokens on the event loop."""

import asyncio
import json
import threading
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from jwt.algorithms import OKPAlgorithm

from auditspan.collector.front.tokens import Tokens
from auditspan.identity.errors import KeysUnavailable, TokenKeyUnknown, TokenRefused
from auditspan.identity.jwt_tokens import TokenVerifier, TrustedIssuer
from auditspan.identity.key_set import KeySet

NOW = 1_700_000_000.0
KEY = ed25519.Ed25519PrivateKey.generate()
TOKEN = jwt.encode(
    {"iss": "i", "aud": "a", "azp": "c", "sub": "s", "exp": int(NOW) + 60},
    KEY,
    algorithm="EdDSA",
    headers={"kid": "new"},
)


def key_set(kid: str) -> KeySet:
    """The key under this id."""
    jwk: dict[str, Any] = OKPAlgorithm.to_jwk(KEY.public_key(), as_dict=True)
    return KeySet.parse(json.dumps({"keys": [{**jwk, "kid": kid}]}).encode())


class Issuer:
    """Keys that a fetch, which takes until it is let go, may bring."""

    def __init__(self, now: KeySet | None, later: KeySet | None) -> None:
        self._now, self._later = now, later
        self.fetches = 0
        self.go = threading.Event()

    def current(self) -> KeySet:
        """The keys in hand."""
        if self._now is None:
            raise KeysUnavailable("none yet")
        return self._now

    def refresh(self) -> bool:
        """Wait and take what comes."""
        self.fetches += 1
        assert self.go.wait(5)
        if self._later is None:
            raise KeysUnavailable("down")
        self._now = self._later
        return True


def tokens(issuer: Any) -> Tokens:
    """Tokens of one issuer."""
    trusted = TrustedIssuer("i", ("a",), ("c",), issuer)
    return Tokens(TokenVerifier([trusted], now=lambda: NOW))


async def many(issuer: Issuer, count: int) -> list[Any]:
    """Verify the token at once in many requests, letting the fetch go after a while."""
    own = tokens(issuer)
    asked = [asyncio.create_task(own.verify(TOKEN)) for _ in range(count)]
    await asyncio.sleep(0.02)
    issuer.go.set()
    return await asyncio.gather(*asked, return_exceptions=True)


def test_a_known_key_needs_no_fetch() -> None:
    """The usual case."""
    issuer = Issuer(key_set("new"), None)
    assert asyncio.run(tokens(issuer).verify(TOKEN)).subject == "s"
    assert issuer.fetches == 0


@pytest.mark.parametrize("now", [key_set("old"), None])
def test_many_requests_wait_for_one_fetch(now: KeySet | None) -> None:
    """And none of them holds a thread meanwhile."""
    issuer = Issuer(now, key_set("new"))
    answers = asyncio.run(many(issuer, 50))
    assert [answer.subject for answer in answers] == ["s"] * 50
    assert issuer.fetches == 1


def test_a_new_key_of_an_issuer_that_is_down_is_retryable() -> None:
    """It may be genuine, and a refusal would make the agent drop its records."""
    answers = asyncio.run(many(Issuer(key_set("old"), None), 3))
    assert all(isinstance(answer, KeysUnavailable) for answer in answers)


def test_an_unknown_key_stays_unknown() -> None:
    """After the fetch that did not bring it."""
    answers = asyncio.run(many(Issuer(key_set("old"), key_set("other")), 2))
    assert all(isinstance(answer, TokenKeyUnknown) for answer in answers)


def test_a_request_that_goes_away_leaves_the_fetch_to_others() -> None:
    """Cancelling one is no reason to fail the rest."""

    async def run() -> str:
        issuer = Issuer(key_set("old"), key_set("new"))
        own = tokens(issuer)
        first, second = (asyncio.create_task(own.verify(TOKEN)) for _ in range(2))
        await asyncio.sleep(0.02)
        first.cancel()
        issuer.go.set()
        return (await second).subject

    assert asyncio.run(run()) == "s"


def test_nobody_is_asked_about_a_foreign_token() -> None:
    """Only configured issuers are fetched from."""
    issuer = Issuer(key_set("old"), key_set("new"))
    foreign = jwt.encode({"iss": "evil"}, KEY, algorithm="EdDSA")
    with pytest.raises(TokenRefused):
        asyncio.run(tokens(issuer).verify(foreign))
    assert issuer.fetches == 0


def test_a_source_that_has_no_more_to_give_is_not_asked_twice() -> None:
    """A file is read whenever it changes, so an unknown key of it is unknown."""

    class File(Issuer):
        def refresh(self) -> bool:
            return False

    with pytest.raises(TokenKeyUnknown):
        asyncio.run(tokens(File(key_set("old"), None)).verify(TOKEN))
