"""Who acted, on whose behalf, and under which grant."""

import hashlib
import json
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from auditspan.identity.principal import (
    Principal,
    agent_principal,
    anonymous_principal,
    relay_principal,
)
from auditspan.identity.statement import Statement, StatementSigner, StatementVerifier
from auditspan.processors.batch import Batch, finding_lists
from auditspan.processors.identity import AGENT_STATEMENT, USER_STATEMENT, identity
from auditspan.processors.texts import text
from auditspan.registry.history import History, Version
from auditspan.registry.models import Agent, Grant, Registry
from tests.processors.samples import NOW, batch

SECOND = 10**9
NOW_S = NOW // SECOND
SIGNER = StatementSigner(Ed25519PrivateKey.from_private_bytes(bytes(32)))
VERIFIER = StatementVerifier({"keys": [SIGNER.jwk]})
AGENT = agent_principal("booking", "api_key", "k1", "10.0.0.7", 0)
RELAY = relay_principal("edge", "mtls", "sha256:ab", "10.0.0.8", 0)
ANONYMOUS = anonymous_principal("127.0.0.1")


def statement(**fields: Any) -> str:
    """A statement about alice for the booking agent."""
    defaults: dict[str, Any] = {
        "subject": "alice",
        "issuer": "https://id.example",
        "client": "desk",
        "audience": "auditspan",
        "email": "alice@example.org",
        "name": "Alice",
        "organisation": "acme",
        "roles": ("clerk", "ädmin"),
        "scopes": ("read", "write"),
        "act": ("assistant", "planner"),
        "mfa": True,
        "token_id": "sha256:00",
        "issued_at": NOW_S - 300,
        "expires_at": NOW_S + 600,
        "principal": AGENT.id,
    }
    return SIGNER.sign(Statement(**{**defaults, **fields}))


def agent(id: str = "booking", **fields: Any) -> Agent:
    """A registered agent."""
    defaults: dict[str, Any] = {
        "id": id,
        "name": id.title(),
        "owner": "travel",
        "owner_email": "travel@example.org",
        "system_id": "AI-7",
        "purpose": "books",
        "risk_tier": "high",
        "environments": ("production",),
    }
    return Agent.model_validate({**defaults, **fields})


def registry(*agents: Agent, grants: tuple[Grant, ...] = (), version: str = "sha256:1") -> Registry:
    """A registry of these agents."""
    return Registry({a.id: a for a in agents}, {}, grants, {}, (), version, "")


HISTORY = History((Version(0, registry(agent())),))


def span(
    principal: Principal = AGENT,
    attributes: dict[str, str] | None = None,
    resource: dict[str, str] | None = None,
    service: str = "",
    **columns: str,
) -> tuple[dict[str, Any], dict[str, str]]:
    """A record after normalize: a decoded row and the columns that normalize sets."""
    row = {
        "Principal": principal.to_json(),
        "SpanAttributes": attributes or {},
        "ResourceAttributes": resource or {},
        "ServiceName": service,
    }
    defaults = {
        "AgentId": "",
        "AgentName": "",
        "UserId": "",
        "Environment": "",
        "Operation": "chat",
        "ActionType": "model.call",
        "ToolName": "",
        "TargetType": "",
        "TargetId": "",
    }
    return row, {**defaults, **columns}


def attached(
    *rows: tuple[dict[str, Any], dict[str, str]],
    history: History = HISTORY,
    at: list[int] | None = None,
) -> Batch:
    """The batch after the stage."""
    records = batch(*(row for row, _ in rows))
    columns = {name: pa.array([extra[name] for _, extra in rows]) for name in rows[0][1]}
    moment = pa.array(np.asarray(at or [NOW] * len(rows))).cast(pa.timestamp("ns", tz="UTC"))
    records = records.with_columns({**columns, "Moment": moment})
    return identity(records, history, VERIFIER)


def of(result: Batch, *names: str) -> tuple[Any, ...]:
    """Columns of the only record."""
    assert len(result) == 1
    return tuple(text(result, name).to_pylist()[0] for name in names)


def derived(result: Batch, row: int = 0) -> dict[str, str]:
    """What is attached to a record."""
    values = {name: array.to_pylist()[row] for name, array in result.derived.items()}
    return {name: value for name, value in values.items() if value is not None}


def found(result: Batch) -> list[list[str]]:
    """Findings of each record."""
    return list(finding_lists(result.findings).to_pylist())


def attributes(result: Batch, column: str = "SpanAttributes", row: int = 0) -> dict[str, str]:
    """The map of a record."""
    return dict(result.column(column).to_pylist()[row])


def test_the_principal_proves_the_agent() -> None:
    """The registry tells the rest."""
    result = attached(span())
    assert of(result, "AgentId", "AgentName", "AgentProvenance", "PrincipalId", "Environment") == (
        "booking",
        "Booking",
        "verified",
        "agent:booking",
        "production",
    )
    assert derived(result) == {
        "audit.agent.owner.id": "travel",
        "audit.agent.owner.email": "travel@example.org",
        "audit.agent.risk_tier": "high",
        "audit.agent.system.id": "AI-7",
        "audit.authentication.method": "api_key",
        "audit.agent.identity.id": "k1",
        "client.address": "10.0.0.7",
        "audit.registry.version": "sha256:1",
        "audit.provenance.gen_ai.agent.name": "derived",
        "audit.provenance.deployment.environment.name": "derived",
    }
    assert found(result) == [[]]


def test_a_claim_never_changes_a_proved_agent() -> None:
    """It is kept in the attributes, and the difference is found."""
    result = attached(
        span(AgentId="payments", AgentName="Payments", Environment="test"),
        span(AgentId="booking"),
    )
    assert text(result, "AgentId").to_pylist() == ["booking", "booking"]
    assert text(result, "AgentName").to_pylist() == ["Booking", "Booking"]
    assert text(result, "Environment").to_pylist() == ["test", "production"]
    assert found(result) == [["identity.mismatch"], []]
    assert derived(result)["audit.provenance.deployment.environment.name"] == "claimed"


@pytest.mark.parametrize("principal", [RELAY, ANONYMOUS])
def test_without_proof_the_agent_is_claimed(principal: Principal) -> None:
    """Registered or not; the service's name stands in for a missing id."""
    result = attached(
        span(principal, AgentId="booking"),
        span(principal, service="booking"),
        span(principal, AgentId="stray", AgentName="Stray"),
        span(principal, service="unknown_service:python"),
    )
    assert text(result, "AgentId").to_pylist() == ["booking", "booking", "stray", ""]
    assert text(result, "AgentName").to_pylist() == ["Booking", "Booking", "Stray", ""]
    assert text(result, "AgentProvenance").to_pylist() == ["claimed", "claimed", "claimed", ""]
    assert set(text(result, "PrincipalId").to_pylist()) == {principal.id}
    assert found(result) == [[], [], ["identity.unregistered"], ["identity.unregistered"]]


def test_what_is_no_act_of_an_agent_needs_none() -> None:
    """A relay passes on spans of web servers too."""
    assert found(attached(span(RELAY, ActionType="other"))) == [[]]


def test_a_relay_may_name_the_agent_with_a_statement() -> None:
    """Then it is verified, and the user's statement may be bound to either of the two."""
    named = statement(kind="agent", subject="booking", issuer=RELAY.id, principal=RELAY.id)
    rows = [
        {AGENT_STATEMENT: named},
        {AGENT_STATEMENT: named, USER_STATEMENT: statement()},
        {AGENT_STATEMENT: named, USER_STATEMENT: statement(principal=RELAY.id)},
        {USER_STATEMENT: statement()},
    ]
    result = attached(*(span(RELAY, each, AgentId="booking") for each in rows))
    assert text(result, "AgentProvenance").to_pylist() == ["verified"] * 3 + ["claimed"]
    assert text(result, "UserProvenance").to_pylist() == ["", "verified", "verified", ""]
    assert found(result) == [[], [], [], ["identity.unresolved"]]
    assert not any(AGENT_STATEMENT in attributes(result, row=row) for row in range(4))


def test_a_bad_agent_statement_proves_nothing() -> None:
    """Of another relay, of a user, too old, or no statement at all."""
    result = attached(
        *(
            span(RELAY, {AGENT_STATEMENT: each}, AgentId="booking")
            for each in (
                statement(kind="agent", subject="booking", principal="relay:other"),
                statement(subject="booking", principal=RELAY.id),
                statement(
                    kind="agent", subject="booking", principal=RELAY.id, expires_at=NOW_S - 100
                ),
                "booking",
            )
        )
    )
    assert set(text(result, "AgentProvenance").to_pylist()) == {"claimed"}
    assert found(result) == [
        ["identity.unresolved"],
        ["identity.unresolved"],
        ["identity.expired"],
        ["identity.unresolved"],
    ]


def test_a_statement_proves_the_user() -> None:
    """With everything it says; the record keeps its digest and not the statement."""
    signed = statement()
    result = attached(span(attributes={USER_STATEMENT: signed, "k": "v"}, UserId="alice"))
    assert of(result, "UserId", "OrganizationId", "UserProvenance") == (
        "alice",
        "acme",
        "verified",
    )
    said = derived(result)
    assert json.loads(said.pop("user.roles")) == ["clerk", "ädmin"]
    assert json.loads(said.pop("audit.oauth.scopes")) == ["read", "write"]
    assert json.loads(said.pop("audit.oauth.actor")) == ["assistant", "planner"]
    expected = {
        "user.email": "alice@example.org",
        "user.name": "Alice",
        "audit.oauth.subject": "alice",
        "audit.oauth.issuer": "https://id.example",
        "audit.oauth.client.id": "desk",
        "audit.oauth.audience": "auditspan",
        "audit.oauth.token.id": "sha256:00",
        "audit.authentication.mfa": "true",
        "audit.identity.digest": f"sha256:{hashlib.sha256(signed.encode()).hexdigest()}",
    }
    assert {name: said.get(name) for name in expected} == expected
    assert attributes(result) == {"k": "v"}
    assert found(result) == [[]]


def test_a_statement_may_stand_on_the_resource() -> None:
    """It leaves from there too."""
    result = attached(span(resource={USER_STATEMENT: statement(), "k": "v"}))
    assert of(result, "UserId", "UserProvenance") == ("alice", "verified")
    assert attributes(result, "ResourceAttributes") == {"k": "v"}


def test_a_claimed_user_stays_claimed() -> None:
    """Without roles, organisation or anything else."""
    result = attached(span(UserId="bob"), span())
    assert text(result, "UserId").to_pylist() == ["bob", ""]
    assert text(result, "UserProvenance").to_pylist() == ["claimed", ""]
    assert text(result, "OrganizationId").to_pylist() == ["", ""]
    assert "user.roles" not in derived(result)
    assert found(result) == [[], []]


def test_a_failed_exchange_is_told() -> None:
    """The recorder had a token and could get no statement for it."""
    failed = {"audit.identity.error": "unavailable"}
    result = attached(
        span(attributes=failed, UserId="bob"),
        span(attributes={**failed, USER_STATEMENT: statement()}),
    )
    assert text(result, "UserProvenance").to_pylist() == ["claimed", "verified"]
    assert found(result) == [["identity.unresolved"], []]


@pytest.mark.parametrize(
    "bad",
    [
        "unresolved",
        "a.b.c",
        statement()[:-2] + "AA",
        statement(principal="agent:other"),
        statement(kind="agent"),
        StatementSigner(Ed25519PrivateKey.generate()).sign(
            Statement(subject="a", issuer="i", issued_at=0, expires_at=2**40, principal=AGENT.id)
        ),
    ],
)
def test_a_bad_statement_proves_nobody(bad: str) -> None:
    """Stolen, forged, changed or none: the user is what the span claims, and it is found."""
    result = attached(span(attributes={USER_STATEMENT: bad}, UserId="bob"))
    assert of(result, "UserId", "UserProvenance") == ("bob", "claimed")
    assert found(result) == [["identity.unresolved"]]
    assert "user.roles" not in derived(result)
    assert derived(result)["audit.identity.digest"].startswith("sha256:")
    assert USER_STATEMENT not in attributes(result)


def test_a_statement_is_judged_at_each_records_moment() -> None:
    """The same one: before, within and after its lifetime, a minute of skew at each end."""
    row = span(attributes={USER_STATEMENT: statement()})
    start, end = (NOW_S - 300 - 60) * SECOND, (NOW_S + 600 + 60) * SECOND
    result = attached(*[row] * 4, at=[start - 1, start, end - 1, end])
    assert text(result, "UserProvenance").to_pylist() == [
        "claimed",
        "verified",
        "verified",
        "claimed",
    ]
    assert found(result) == [["identity.unresolved"], [], [], ["identity.expired"]]
    assert text(result, "UserId").to_pylist() == ["alice"] * 4
    assert [("user.roles" in derived(result, row)) for row in range(4)] == [
        False,
        True,
        True,
        False,
    ]
    assert text(result, "OrganizationId").to_pylist() == ["", "acme", "acme", ""]


def test_a_span_that_names_another_user_is_found() -> None:
    """The proved one stands in the record; address and name are the same user."""
    rows = [
        span(attributes={USER_STATEMENT: statement()}, UserId=name)
        for name in ("bob", "alice", "alice@example.org", "Alice", "")
    ]
    result = attached(*rows)
    assert text(result, "UserId").to_pylist() == ["alice"] * 5
    assert found(result) == [["identity.mismatch"], [], [], [], []]


def test_an_unknown_factor_is_left_out() -> None:
    """Three values: yes, no, and not said."""
    rows = [span(attributes={USER_STATEMENT: statement(mfa=mfa)}) for mfa in (True, False, None)]
    result = attached(*rows)
    assert result.derived["audit.authentication.mfa"].to_pylist() == ["true", "false", None]


def test_what_a_dialect_says_of_a_user_is_a_claim() -> None:
    """A name may stand where nothing is proved; roles, scopes and factors never do."""
    foreign = {
        "user.name": "Bob",
        "user.email": "bob@example.org",
        "user.roles": '["admin"]',
        "audit.oauth.scopes": '["all"]',
        "audit.authentication.mfa": "true",
    }
    signed = {USER_STATEMENT: statement(name="", roles=(), scopes=(), mfa=None)}
    rows = [span(attributes=signed), span(UserId="bob")]
    records = batch(*(row for row, _ in rows)).with_columns(
        {name: pa.array([extra[name] for _, extra in rows]) for name in rows[0][1]}
    )
    records = records.with_derived({k: pa.array([v, v]) for k, v in foreign.items()})
    result = identity(records, HISTORY, VERIFIER)
    assert {name: result.derived[name].to_pylist() for name in foreign} == {
        "user.name": [None, "Bob"],
        "user.email": ["alice@example.org", "bob@example.org"],
        "user.roles": [None, None],
        "audit.oauth.scopes": [None, None],
        "audit.authentication.mfa": [None, None],
    }


def test_a_repeated_statement_leaves_too() -> None:
    """Decode renames it, and it is as little for storage as the first."""
    repeated = {USER_STATEMENT: statement(), f"{USER_STATEMENT}#2": statement(), "k#2": "v"}
    result = attached(span(attributes=repeated, resource={f"{AGENT_STATEMENT}#3": "x"}))
    assert attributes(result) == {"k#2": "v"}
    assert attributes(result, "ResourceAttributes") == {}


def test_the_registry_is_the_one_of_the_moment() -> None:
    """An agent that was registered, disabled and removed."""
    history = History(
        (
            Version(NOW - 300, registry(agent(), version="sha256:1")),
            Version(NOW - 200, registry(agent(disabled=True), version="sha256:2")),
            Version(NOW - 100, registry(version="sha256:3")),
        )
    )
    at = [NOW - 301, NOW - 300, NOW - 200, NOW]
    result = attached(*[span()] * 4, history=history, at=at)
    assert found(result) == [[], [], ["agent.disabled"], ["identity.unregistered"]]
    assert result.derived["audit.registry.version"].to_pylist() == [
        None,
        "sha256:1",
        "sha256:2",
        "sha256:3",
    ]
    assert text(result, "AgentName").to_pylist() == ["", "Booking", "Booking", ""]


def test_without_a_registry_nothing_is_missing_from_it() -> None:
    """Somebody who tries it out is not told about every record."""
    result = attached(span(), span(ANONYMOUS, AgentId="x"), history=History())
    assert found(result) == [[], []]
    assert text(result, "AgentId").to_pylist() == ["booking", "x"]


def test_an_agent_of_several_environments_gets_none() -> None:
    """Only one that is the only one is known without being told."""
    several = History((Version(0, registry(agent(environments=("production", "test")))),))
    assert of(attached(span(), history=several), "Environment") == ("",)


def test_the_grant_is_found_for_the_proved_user() -> None:
    """By roles of the statement, and the purpose is the sender's before the grant's."""
    grant = Grant.model_validate(
        {
            "id": "g1",
            "grantor": "head",
            "agent": "booking",
            "roles": ["clerk"],
            "tools": ["cancel"],
            "purpose": "service",
            "granted_at": "2020-01-01T00:00:00Z",
            "expires_at": "2100-01-01T00:00:00Z",
        }
    )
    history = History((Version(0, registry(agent(), grants=(grant,))),))
    call: dict[str, Any] = {"Operation": "execute_tool", "ActionType": "tool.call"}
    signed = {USER_STATEMENT: statement()}
    result = attached(
        span(attributes=signed, ToolName="cancel", **call),
        span(attributes={**signed, "audit.purpose": "refund"}, ToolName="cancel", **call),
        span(attributes=signed, ToolName="delete", **call),
        span(UserId="alice", ToolName="cancel", **call),
        history=history,
    )
    assert text(result, "GrantId").to_pylist() == ["g1", "g1", "", ""]
    assert text(result, "AuthorizedBy").to_pylist() == ["head", "head", "", ""]
    assert text(result, "Purpose").to_pylist() == ["service", "refund", "", ""]
    assert found(result) == [[], [], ["authorization.out_of_scope"], ["authorization.missing"]]
    how = result.derived["audit.provenance.audit.purpose"].to_pylist()
    assert how == ["derived", "claimed", None, None]


def test_a_stamp_that_cannot_be_read_proves_nobody() -> None:
    """It should not happen, and must not stop a batch."""
    row, columns = span(AgentId="booking")
    result = attached(({**row, "Principal": "{}"}, columns))
    assert of(result, "AgentProvenance", "PrincipalId") == ("claimed", "anonymous")


def test_an_empty_batch_passes() -> None:
    """With all its columns."""
    whole = attached(span())
    empty = Batch.of(batch(span()[0]).table.slice(0, 0))
    result = identity(empty, HISTORY, VERIFIER)
    assert len(result) == 0
    expected = {"AgentId", "UserId", "GrantId", "PrincipalId", "Purpose"}
    assert expected <= set(result.table.schema.names)
    assert expected <= set(whole.table.schema.names)


def test_a_batch_is_not_changed() -> None:
    """A stage returns another one."""
    row, columns = span(attributes={USER_STATEMENT: statement()})
    before = batch(row).with_columns({name: pa.array([v]) for name, v in columns.items()})
    identity(before, HISTORY, VERIFIER)
    assert USER_STATEMENT in attributes(before)
    assert "GrantId" not in before.table.schema.names
    assert not before.findings.any()
