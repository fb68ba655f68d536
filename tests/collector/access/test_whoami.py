"""`GET /v1/whoami`: who asks, how it was proved, and what they may do."""

import asyncio
import ssl
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from auditspan.collector.access.whoami import whoami_routes
from auditspan.collector.front.receiver_config import ApiConfig
from auditspan.collector.front.web_server import WebServer
from auditspan.identity.roles import Action, Role
from tests.collector.access.house import House
from tests.collector.front.test_authentication import NOW, token
from tests.end_to_end.proofs import Authority as CertificateAuthority


@pytest.fixture
def house(tmp_path: Path) -> House:
    """With the registry in force."""
    made = House(tmp_path)
    made.apply()
    return made


def get(house: House, *headers: tuple[str, str]) -> httpx.Response:
    """Ask over HTTP."""

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(Starlette(routes=whoami_routes(house.authority)))
        async with httpx.AsyncClient(transport=transport, base_url="http://api") as client:
            return await client.get("/v1/whoami", headers=list(headers))

    return asyncio.run(ask())


def bearer(text: str) -> tuple[str, str]:
    """The header of a token."""
    return "Authorization", f"Bearer {text}"


def test_a_person_sees_who_they_are_and_what_they_may_do(house: House) -> None:
    """Everything that decides, and no secret."""
    text, key = house.keys.issue("person:alice", expires_at=NOW + 1000, issued_by="operator")
    answer = get(house, bearer(text))
    registry = house.registry()
    assert registry is not None
    assert answer.json() == {
        "principal": "person:alice",
        "kind": "person",
        "method": "api_key",
        "credential": key.id,
        "roles": ["reader", "policy"],
        "actions": [
            "records.read",
            "registry.read",
            "registry.propose",
            "registry.approve",
            "agents.disable",
            "registry.recertify",
        ],
        "email": "alice@example.com",
        "issued_by": "operator",
        "expires_at": "2023-11-14T22:30:00Z",
        "registry_version": registry.version,
        "why": "the registry in force gives these roles",
    }
    assert answer.headers["Cache-Control"] == "no-store"


def test_the_operator_sees_what_the_token_stands_for(house: House) -> None:
    """And why, before and after there are two who approve."""
    assert get(house, bearer(house.token)).json()["roles"] == ["operator"]
    house.apply(controls="single_operator: true")
    found = get(house, bearer(house.token)).json()
    assert found["why"] == "single operator: this token stands for all roles"
    assert found["principal"] == "operator"
    assert found["expires_at"] == ""
    assert set(found["actions"]) == set(Action) - {Action.SEND}


def test_before_the_first_registry_there_is_no_version(tmp_path: Path) -> None:
    """The token of the data folder begins."""
    house = House(tmp_path)
    found = get(house, bearer(house.token)).json()
    assert found["registry_version"] == ""
    assert Role.POLICY in found["roles"]


@pytest.mark.parametrize(
    ("principal", "roles", "why"),
    [
        ("agent:booking", ["ingest"], "agents and relays send records and do nothing else"),
        ("person:dave", [], "the registry in force gives no role: ask for one (principals/*.yaml)"),
    ],
)
def test_who_may_do_nothing_here_is_told_so(
    house: House, principal: str, roles: list[str], why: str
) -> None:
    """A caller without a role is still somebody."""
    answer = get(house, bearer(house.key(principal)))
    assert answer.status_code == 200
    assert (answer.json()["roles"], answer.json()["why"]) == (roles, why)


def test_nobody_is_told_nothing(house: House) -> None:
    """Neither the version in force nor whether an id exists."""
    answer = get(house)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert answer.json()["error"]["code"] == "unauthenticated"
    assert "sha256" not in answer.text


def test_two_headers_prove_nobody(house: House) -> None:
    """Somebody in between may have looked at the other one."""
    answer = get(house, bearer(house.token), bearer(house.key("person:alice")))
    assert answer.status_code == 401


def test_a_web_page_gets_nothing(house: House) -> None:
    """A page has no token, and a certificate that the browser adds does not count."""
    assert get(house, ("Origin", "https://evil.example")).status_code == 403
    allowed = get(house, ("Origin", "https://evil.example"), bearer(house.token))
    assert allowed.status_code == 200
    assert "access-control-allow-origin" not in allowed.headers


def test_who_guesses_is_told_to_wait(house: House) -> None:
    """With the seconds in the header."""
    for _ in range(3):
        assert get(house, bearer("aso_guess")).status_code == 401
    answer = get(house, bearer("aso_guess"))
    assert answer.status_code == 429
    assert answer.headers["Retry-After"] == "60"
    assert answer.json()["error"]["code"] == "too_many_requests"


def test_a_certificate_proves_a_service_over_tls(house: House, tmp_path: Path) -> None:
    """Over a real port: the certificate of the TLS session, and no header that claims one."""
    ca = CertificateAuthority(tmp_path / "ca")
    certificate, key = ca.server()
    tls = {"cert_file": certificate, "key_file": key, "client_ca_file": ca.file}
    config = ApiConfig.model_validate({"endpoint": "127.0.0.1:0", "tls": tls})
    house.clock.at = time.time()
    found: list[httpx.Response] = []

    async def run() -> None:
        server = WebServer(config, Starlette(routes=whoami_routes(house.authority)))
        await server.start()
        try:
            for pair in (ca.workload("spiffe://example.org/gw"), None):
                context = ssl.create_default_context(cafile=str(ca.file))
                if pair:
                    context.load_cert_chain(*pair)
                async with httpx.AsyncClient(verify=context, trust_env=False) as client:
                    headers = {"X-Forwarded-Client-Cert": "URI=spiffe://example.org/gw"}
                    found.append(await client.get(f"{server.url}/v1/whoami", headers=headers))
        finally:
            await server.stop()

    asyncio.run(run())
    proved, nobody = found
    assert nobody.status_code == 401
    body: dict[str, Any] = proved.json()
    assert (body["principal"], body["method"], body["roles"]) == (
        "service:edge",
        "mtls",
        ["gateway"],
    )


def test_a_token_of_the_identity_provider_proves_a_person(house: House) -> None:
    """No key of ours is needed."""
    found = get(house, bearer(token(sub="alice-1"))).json()
    assert (found["principal"], found["method"], found["issued_by"]) == ("person:alice", "jwt", "")
