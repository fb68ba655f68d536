"""Who asks, by which credential, and with which roles of the registry in force."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from auditspan.collector.access.authority import Authority
from auditspan.collector.access.standing import PERSON_ROLES
from auditspan.collector.front.auth_config import IssuerConfig
from auditspan.collector.front.refusals import (
    Refusal,
    TooManyRequests,
    Unauthenticated,
    Unavailable,
)
from auditspan.identity.roles import Action, Role
from tests.collector.access.house import AGENT, ALICE, OTHERS, House
from tests.collector.front.test_authentication import NOW, certificate, token


@pytest.fixture
def house(tmp_path: Path) -> House:
    """With the registry in force."""
    made = House(tmp_path)
    made.apply()
    return made


def alices(**change: Any) -> str:
    """Alice's token."""
    return token(**{"sub": "alice-1", **change})


def test_the_operators_token_operates(house: House) -> None:
    """With two persons who approve it stands for its own role alone."""
    caller = house.ask(house.token)
    assert (caller.principal.id, caller.principal.kind) == ("operator", "operator")
    assert caller.principal.method == "operator_token"
    assert caller.principal.address == "10.0.0.9"
    assert caller.roles == {Role.OPERATOR}
    assert house.token not in repr(caller)


@pytest.mark.parametrize(
    "change",
    [
        {"controls": "single_operator: true"},
        {"principals__others": OTHERS.replace("roles: policy", "roles: reader")},
        {"principals__alice": ALICE + "disabled: true\n"},
    ],
)
def test_it_stands_for_everybody_where_nobody_shares_it(
    house: House, change: dict[str, str]
) -> None:
    """A single operator, or fewer than two who approve; the moment that ends, it ends."""
    house.apply(**change)
    assert house.ask(house.token).roles == PERSON_ROLES
    house.apply()
    assert house.ask(house.token).roles == {Role.OPERATOR}


def test_it_stands_for_everybody_before_the_first_registry(tmp_path: Path) -> None:
    """Somebody has to begin; but it sends no records."""
    caller = House(tmp_path).ask(House(tmp_path).token)
    assert caller.roles == PERSON_ROLES
    assert not caller.may(Action.SEND)


@pytest.mark.parametrize("change", ["x", "", "aso_", "aso_guess"])
def test_another_operators_token_is_refused(house: House, change: str) -> None:
    """One letter more, none, or another."""
    wrong = house.token + change if len(change) == 1 else change
    with pytest.raises(Unauthenticated):
        house.ask(wrong)


def test_a_collector_without_a_token_refuses_the_empty_one(house: House) -> None:
    """An empty secret opens nothing."""
    made = house.authority
    empty = Authority(made._config, house.keys, "", house.registry, made._bindings, now=house.clock)
    house.authority = empty
    with pytest.raises(Unauthenticated):
        house.ask("aso_")


@pytest.mark.parametrize(
    ("principal", "roles"),
    [
        ("person:alice", {Role.POLICY, Role.READER}),
        ("person:bob", {Role.POLICY}),
        ("person:dave", set()),
        ("service:grafana", {Role.READER}),
        ("service:edge", {Role.GATEWAY}),
        ("agent:booking", {Role.INGEST}),
        ("agent:unknown", {Role.INGEST}),
        ("relay:edge", {Role.INGEST}),
    ],
)
def test_a_key_proves_its_holder_with_the_roles_in_force(
    house: House, principal: str, roles: set[Role]
) -> None:
    """Agents and relays send and do nothing else, whatever the registry calls them."""
    caller = house.ask(house.key(principal, "person:bob"))
    assert caller.principal.id == principal
    assert caller.roles == roles
    assert caller.principal.method == "api_key"
    assert caller.issued_by == "person:bob"


def test_the_registry_gives_the_address_of_a_person(house: House) -> None:
    """An owner is recognised by it; a token's claim of an address counts for nothing."""
    assert house.ask(house.key("person:alice")).email == "alice@example.com"
    assert house.ask(alices(email="ceo@example.com")).email == "alice@example.com"


def test_a_token_proves_the_person_that_its_subject_is_bound_to(house: House) -> None:
    """Issuer and subject decide; nobody issued that token as a key."""
    caller = house.ask(alices())
    assert caller.principal.id == "person:alice"
    assert caller.principal.method == "jwt"
    assert caller.principal.credential.startswith("sha256:")
    assert caller.principal.expires_at == int(NOW) + 600
    assert caller.issued_by == ""
    assert caller.roles == {Role.POLICY, Role.READER}


@pytest.mark.parametrize(
    "change",
    [
        {"sub": "alice"},
        {"sub": "alice-1 "},
        {"sub": "Alice-1"},
        {"sub": "person:alice"},
        {"iss": "https://id.example/"},
        {"iss": "https://other.example"},
        {"aud": "grafana"},
        {"azp": "phone-app"},
        {"exp": int(NOW) - 100},
        {"sub": None},
    ],
)
def test_a_token_that_differs_in_anything_proves_nobody(
    house: House, change: dict[str, Any]
) -> None:
    """Another subject, issuer, audience or client, or past its end."""
    with pytest.raises(Unauthenticated):
        house.ask(alices(**change))


def test_a_token_of_the_receivers_issuer_is_none_here(tmp_path: Path) -> None:
    """Who may send tokens with records is configured apart."""
    house = House(tmp_path, issuers=())
    house.apply()
    with pytest.raises(Unauthenticated, match="issuer is not configured"):
        house.ask(alices())


def test_a_users_token_in_the_hands_of_an_agent_is_not_the_user(house: House) -> None:
    """An agent that acts for Alice holds a token of hers, made for its own client: a prompt that
    talks it into asking in her name gets nothing, whatever clients are configured."""
    bound = "{issuer: 'https://id.example', audience: agents, client: robot}"
    agent = AGENT.replace("credentials: {", f"credentials: {{jwt: [{bound}], ")
    assert house.ask(alices()).principal.id == "person:alice"
    house.apply(agents__booking=agent)
    with pytest.raises(Unauthenticated, match="its client is that of agent:booking"):
        house.ask(alices(aud=["agents", "auditspan"]))


@pytest.mark.parametrize(
    "bound",
    [
        "{issuer: 'https://id.example', audience: agents, client: other-robot}",
        "{issuer: 'https://other.example', audience: agents, client: robot}",
    ],
)
def test_another_agents_client_is_nothing_to_a_person(house: House, bound: str) -> None:
    """Issuer and client must both be the agent's."""
    agent = AGENT.replace("credentials: {", f"credentials: {{jwt: [{bound}], ")
    house.apply(agents__booking=agent)
    assert house.ask(alices()).principal.id == "person:alice"


def test_roles_claimed_by_a_token_are_not_believed(house: House) -> None:
    """The identity provider says who it is; what they may do is under two-person change."""
    caller = house.ask(alices(roles=["investigator", "operator"], groups=["admin"]))
    assert caller.roles == {Role.POLICY, Role.READER}


@pytest.mark.parametrize(
    ("uri", "principal", "roles"),
    [
        ("spiffe://example.org/people/alice", "person:alice", {Role.POLICY, Role.READER}),
        ("spiffe://example.org/gw", "service:edge", {Role.GATEWAY}),
        ("spiffe://example.org/booking", "agent:booking", {Role.INGEST}),
        ("spiffe://example.org/edge", "relay:edge", {Role.INGEST}),
    ],
)
def test_a_certificate_proves_whom_its_id_is_bound_to(
    house: House, uri: str, principal: str, roles: set[Role]
) -> None:
    """Persons and services too."""
    caller = house.ask(certificate=certificate(uri))
    assert (caller.principal.id, caller.principal.method) == (principal, "mtls")
    assert caller.roles == roles


@pytest.mark.parametrize("uri", ["spiffe://elsewhere.org/gw", "spiffe://example.org/nobody"])
def test_a_certificate_of_nobody_is_refused(house: House, uri: str) -> None:
    """A foreign trust domain, or bound to no one."""
    with pytest.raises(Unauthenticated):
        house.ask(certificate=certificate(uri))


def test_the_bearer_decides_alone(house: House) -> None:
    """A bad token with a good certificate is refused, a good one does not add up with it."""
    good = certificate("spiffe://example.org/gw")
    with pytest.raises(Unauthenticated):
        house.ask("ask_guess", good)
    assert house.ask(alices(), good).roles == {Role.POLICY, Role.READER}


@pytest.mark.parametrize("address", ["10.0.0.9", "127.0.0.1", "::1", ""])
def test_nobody_asks_without_a_credential(house: House, address: str) -> None:
    """An agent on this machine has its loopback and no token: it gets nothing."""
    with pytest.raises(Unauthenticated, match="no credential"):
        house.ask(address=address)


@pytest.mark.parametrize(
    "change",
    [
        {"principals__alice": ALICE + "disabled: true\n"},
        {"principals__alice": ""},
    ],
)
def test_who_is_disabled_or_removed_loses_everything_at_the_next_request(
    house: House, change: dict[str, str]
) -> None:
    """By key, token and certificate, without a second of grace."""
    proof = certificate("spiffe://example.org/people/alice")
    shown: list[tuple[str | None, bytes | None]] = [
        (house.key("person:alice"), None),
        (alices(), None),
        (None, proof),
    ]
    for bearer, der in shown:
        assert house.ask(bearer, der).principal.id == "person:alice"
    house.apply(**change)
    for bearer, der in shown:
        with pytest.raises(Unauthenticated, match=r"enabled|in the registry in force"):
            house.ask(bearer, der, address=f"10.2.0.{shown.index((bearer, der))}")


def test_a_role_taken_away_is_gone_at_the_next_request(house: House) -> None:
    """And a role given is there."""
    key = house.key("person:alice")
    house.ask(key)
    house.apply(principals__alice=ALICE.replace("[policy, reader]", "[investigator]"))
    assert house.ask(key).roles == {Role.INVESTIGATOR}


def test_a_revoked_key_is_refused_at_the_next_request(house: House) -> None:
    """The registry still has the person."""
    text, key = house.keys.issue("person:alice", expires_at=NOW + 1000)
    house.ask(text)
    house.keys.revoke(key.id)
    with pytest.raises(Unauthenticated, match="revoked"):
        house.ask(text)


def test_a_key_of_a_person_is_nothing_without_a_registry(tmp_path: Path) -> None:
    """A key holds no role."""
    house = House(tmp_path)
    with pytest.raises(Unauthenticated, match="not in the registry in force"):
        house.ask(house.key("person:alice"))


def test_a_damaged_registry_gives_nobody_a_role(house: House) -> None:
    """Neither the version before nor the bootstrap rule holds then, and it is no failed attempt."""
    path = house.data.folder("registry") / "current.json"
    good = path.read_text()
    house.ask(house.token)
    path.write_text(good.replace("person:bob", "person:eve"))
    for _ in range(4):
        with pytest.raises(Unavailable, match=r"current\.json is damaged"):
            house.ask(house.token)
    path.write_text(good)
    assert house.ask(house.token).roles == {Role.OPERATOR}


def test_failures_are_limited_per_address(house: House) -> None:
    """The fourth guess waits, a known token goes on, and others are not concerned."""
    house.ask(house.token)
    for _ in range(3):
        with pytest.raises(Unauthenticated):
            house.ask("aso_guess")
    with pytest.raises(TooManyRequests) as limited:
        house.ask(house.key("person:alice"))
    assert limited.value.retryable
    assert house.ask(house.token).principal.id == "operator"
    assert house.ask(house.key("person:bob"), address="10.0.0.10").principal.id == "person:bob"
    house.clock.at += 61
    assert house.ask(house.key("person:alice")).principal.id == "person:alice"


def test_an_issuer_that_is_down_is_no_refusal(tmp_path: Path) -> None:
    """The holder of a genuine token shall try again."""
    down = IssuerConfig(
        issuer="https://id.example",
        audiences=("auditspan",),
        clients=("robot",),
        jwks_url="http://127.0.0.1:9/jwks",
        allow_http_loopback=True,
    )
    with pytest.raises(Unavailable):
        House(tmp_path, issuers=(down,)).ask(alices())


def test_a_refusal_quotes_no_credential(house: House) -> None:
    """It is sent back and logged."""
    shown = (alices(sub="s3cret"), "ask_s3cret", "aso_s3cret", "s3cret.s3cret.s3cret")
    for index, bearer in enumerate(shown):
        with pytest.raises(Refusal) as refused:
            house.ask(bearer, address=f"10.1.{index}.1")
        error: BaseException | None = refused.value
        while error is not None:
            assert "s3cret" not in str(error)
            error = error.__cause__


def test_key_sets_are_kept_fresh(house: House) -> None:
    """As a task that runs until it is cancelled."""

    async def run() -> None:
        task = asyncio.create_task(house.authority.keep_fresh())
        await asyncio.sleep(0.05)
        assert not task.done()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(run())
