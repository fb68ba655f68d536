"""Persons and services at the OTLP ports: a person sends nothing, a service in its role does."""

from collections.abc import Iterator
from pathlib import Path

import grpc
import httpx
import pytest

from tests.collector.access.house import AGENT, OTHERS, House
from tests.collector.front.receiving import Receiving, receiving
from tests.end_to_end.bodies import PROTOBUF, body, call
from tests.end_to_end.proofs import Issuer

SUBJECTS = """\
- id: service:ci
  name: CI
  roles: ingest
  credentials: {jwt: [{issuer: "https://id.example", subject: ci-1}]}
- id: person:erin
  name: Erin
  roles: [operator, policy]
  credentials: {jwt: [{issuer: "https://id.example", subject: erin-1}]}
"""


@pytest.fixture
def house(tmp_path: Path) -> House:
    """A data folder with a registry in force, and the real clock."""
    made = House(tmp_path)
    made.apply(principals__subjects=SUBJECTS)
    return made


@pytest.fixture
def issuer(tmp_path: Path) -> Issuer:
    """Who makes tokens for services."""
    return Issuer.at(tmp_path)


@pytest.fixture
def ports(house: House, issuer: Issuer) -> Iterator[Receiving]:
    """The ports over that folder."""
    trusted = {
        "issuer": "https://id.example",
        "audiences": ["auditspan"],
        "clients": ["robot"],
        "jwks_file": issuer.jwks,
    }
    with receiving(house.data.root, authentication={"issuers": [trusted]}) as running:
        yield running


def key(ports: Receiving, principal: str) -> str:
    """A fresh key, by the real clock."""
    keys = ports.service.controls.api_keys
    return keys.issue(principal, expires_at=4_000_000_000, issued_by="operator")[0]


def post(ports: Receiving, bearer: str, path: str = "/v1/traces") -> httpx.Response:
    """Send one request over HTTP."""
    content: bytes = body("one")
    kind = PROTOBUF
    if path == "/v1/identities":
        content, kind = b'{"user_token": "x"}', "application/json"
    headers = {"content-type": kind, "authorization": f"Bearer {bearer}"}
    return httpx.post(ports.http + path, content=content, headers=headers, trust_env=False)


def test_a_person_sends_no_records(ports: Receiving) -> None:
    """403 over HTTP, gRPC and at the exchange of tokens, in any role; nothing is kept."""
    for principal in ("person:alice", "person:erin", "person:nobody"):
        bearer = key(ports, principal)
        assert post(ports, bearer).status_code == 403
        assert post(ports, bearer, "/v1/identities").status_code == 403
        answer = call(
            ports.addresses["grpc"], body("one"), metadata=[("authorization", f"Bearer {bearer}")]
        )
        assert answer.code == grpc.StatusCode.PERMISSION_DENIED.value[0]
    message = post(ports, key(ports, "person:alice")).content
    assert b"person:alice: a person sends no records" in message
    assert ports.principals() == []


def test_a_service_sends_in_its_role(ports: Receiving) -> None:
    """Gateway and ingest are accepted as a service, by key and token; a reader is not."""
    assert post(ports, key(ports, "service:grafana")).status_code == 403
    assert post(ports, key(ports, "service:nobody")).status_code == 403
    assert post(ports, key(ports, "service:edge")).status_code == 200
    bearer = key(ports, "service:ci")
    answer = call(
        ports.addresses["grpc"], body("two"), metadata=[("authorization", f"Bearer {bearer}")]
    )
    assert answer.code == 0
    assert [(sent.id, sent.kind, sent.agent_id) for sent in ports.principals()] == [
        ("service:edge", "service", ""),
        ("service:ci", "service", ""),
    ]


def test_a_token_of_a_service_is_bound_by_its_subject(ports: Receiving, issuer: Issuer) -> None:
    """As at the API; a person's is refused for what it is, an unbound one for nobody's."""
    assert post(ports, issuer.token(sub="ci-1")).status_code == 200
    assert post(ports, issuer.token(sub="erin-1")).status_code == 403
    assert post(ports, issuer.token(sub="ci-2")).status_code == 401
    assert [sent.method for sent in ports.principals()] == ["jwt"]


def test_an_agents_client_makes_it_the_agent_who_sends(
    house: House, ports: Receiving, issuer: Issuer
) -> None:
    """Also with a token that it got for a person who is registered."""
    bound = "{issuer: 'https://id.example', audience: auditspan, client: robot}"
    agent = AGENT.replace("credentials: {", f"credentials: {{jwt: [{bound}], ")
    house.apply(agents__booking=agent, principals__subjects=SUBJECTS)
    assert post(ports, issuer.token(sub="erin-1")).status_code == 200
    assert [sent.id for sent in ports.principals()] == ["agent:booking"]


def test_a_service_that_is_disabled_sends_no_more(house: House, ports: Receiving) -> None:
    """From the next request on."""
    bearer = key(ports, "service:edge")
    assert post(ports, bearer).status_code == 200
    changed = OTHERS.replace("name: Edge,", "name: Edge, disabled: true,")
    house.apply(principals__others=changed)
    assert post(ports, bearer).status_code == 403
