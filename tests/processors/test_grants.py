"""The grant that covers each action."""

import json
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from auditspan.processors.batch import Batch
from auditspan.processors.grants import GrantsConfig, _matches, attach_grants
from auditspan.processors.texts import text
from auditspan.registry.history import History, Version
from auditspan.registry.models import Grant, Registry
from tests.processors.samples import NOW, spans

DAY = 86_400 * 10**9


def when(ns: int) -> str:
    """A time as a registry file has it."""
    return datetime.fromtimestamp(ns // 10**9, UTC).isoformat()


def grant(id: str = "g", **fields: Any) -> Grant:
    """A grant to agent `a` that is in force."""
    defaults: dict[str, Any] = {
        "id": id,
        "grantor": f"boss-of-{id}",
        "agent": "a",
        "granted_at": when(NOW - DAY),
        "expires_at": when(NOW + DAY),
    }
    return Grant.model_validate({**defaults, **fields})


def registry(*grants: Grant, version: str = "sha256:1") -> Registry:
    """A registry of these grants."""
    return Registry({}, {}, grants, {}, (), version, "")


def called(**columns: Any) -> dict[str, str]:
    """A tool call of agent `a` for user `u`."""
    defaults = {
        "AgentId": "a",
        "UserId": "u",
        "UserProvenance": "verified",
        "Operation": "execute_tool",
        "ActionType": "tool.call",
        "ToolName": "t",
        "TargetType": "reservation",
        "TargetId": "R1",
        "Environment": "production",
    }
    return {**defaults, **columns}


def attached(
    grants: tuple[Grant, ...],
    *rows: dict[str, str],
    purpose: str = "",
    at: list[int] | None = None,
    versions: list[int] | None = None,
    history: History | None = None,
) -> Batch:
    """The batch after grants were looked for."""
    size = len(rows)
    batch = spans(*({} for _ in rows))
    batch = batch.with_columns(
        {name: pa.array([row[name] for row in rows]) for name in rows[0] if name[0].isupper()}
    )
    batch = batch.with_derived({"user.roles": pa.array([row.get("roles") for row in rows])})
    return attach_grants(
        batch,
        pa.array([purpose] * size),
        np.asarray(versions or [0] * size),
        np.asarray(at or [NOW] * size),
        history or History((Version(0, registry(*grants)),)),
        GrantsConfig(),
    )


def ids(batch: Batch) -> list[str]:
    """The grants that cover."""
    return list(text(batch, "GrantId").to_pylist())


def found(batch: Batch) -> list[str]:
    """What is lacking, per record."""
    names = ("missing", "expired", "out_of_scope")
    masks = [batch.has(f"authorization.{name}") for name in names]
    return [
        " ".join(name for name, mask in zip(names, masks, strict=True) if mask[row])
        for row in range(len(batch))
    ]


def test_a_grant_that_covers_is_named() -> None:
    """With who gave it, until when, for what, and who consented."""
    full = grant(
        purpose="travel",
        users=["u"],
        tools=["t"],
        operations=["execute_tool"],
        targets=["reservation:*"],
        environments=["production"],
        approvals=[{"approver": "head", "at": "2026-01-01T01:00:00+01:00", "method": "ticket"}],
        ticket="T-1",
    )
    batch = attached((full,), called())
    assert ids(batch) == ["g"]
    assert text(batch, "AuthorizedBy").to_pylist() == ["boss-of-g"]
    assert text(batch, "Purpose").to_pylist() == ["travel"]
    assert found(batch) == [""]
    derived = {name: values.to_pylist()[0] for name, values in batch.derived.items()}
    assert derived["audit.authorization.granted_at"] == when(NOW - DAY).replace("+00:00", "Z")
    assert derived["audit.authorization.expires_at"] == when(NOW + DAY).replace("+00:00", "Z")
    assert json.loads(derived["audit.authorization.scopes"]) == [
        "operation:execute_tool",
        "tool:t",
        "target:reservation:*",
        "environment:production",
        "user:u",
    ]
    assert json.loads(derived["audit.approval.chain"]) == [
        {"approver": "head", "at": "2026-01-01T00:00:00Z", "method": "ticket"}
    ]
    assert derived["audit.authorization.ticket"] == "T-1"


def test_a_claimed_purpose_goes_first() -> None:
    """The grant's stands in for it."""
    batch = attached((grant(purpose="travel"),), called(), purpose="refund")
    assert text(batch, "Purpose").to_pylist() == ["refund"]


@pytest.mark.parametrize(
    ("fields", "lacking"),
    [
        ({}, ""),
        ({"agent": "b"}, "missing"),
        ({"users": ["v"]}, "missing"),
        ({"roles": ["admin"]}, "missing"),
        ({"users": ["v"], "roles": ["clerk"]}, ""),
        ({"tools": ["other"]}, "out_of_scope"),
        ({"tools": ["*"]}, ""),
        ({"operations": ["chat"]}, "out_of_scope"),
        ({"environments": ["test"]}, "out_of_scope"),
        ({"targets": ["reservation:R?"]}, ""),
        ({"targets": ["reservation:R2", "booking:*"]}, "out_of_scope"),
        ({"expires_at": when(NOW)}, "expired"),
        ({"granted_at": when(NOW + 10**9)}, "expired"),
        ({"expires_at": when(NOW), "tools": ["other"]}, "out_of_scope"),
    ],
)
def test_what_lacks_is_told(fields: dict[str, Any], lacking: str) -> None:
    """Missing: none for agent and user. Out of scope: none for this. Expired: but for the time."""
    batch = attached((grant(**fields),), called(roles='["clerk"]'))
    assert found(batch) == [lacking]
    assert ids(batch) == ["" if lacking else "g"]


def test_an_expired_grant_authorizes_nothing() -> None:
    """The record tells when it held, and names neither it nor its grantor."""
    batch = attached((grant(expires_at=when(NOW), purpose="p", ticket="T-1"),), called())
    assert (ids(batch), text(batch, "AuthorizedBy").to_pylist()) == ([""], [""])
    assert text(batch, "Purpose").to_pylist() == [""]
    assert batch.derived["audit.authorization.expires_at"].to_pylist() == [
        when(NOW).replace("+00:00", "Z")
    ]
    assert "audit.authorization.ticket" not in batch.derived


def test_a_claimed_user_opens_no_grant_for_users() -> None:
    """Nor with roles that somebody else's statement gave; a grant for all holds."""
    claimed = called(UserProvenance="claimed", roles='["clerk"]')
    assert found(attached((grant(users=["u"]),), claimed)) == ["missing"]
    assert found(attached((grant(roles=["clerk"]),), claimed)) == ["missing"]
    assert found(attached((grant(),), claimed)) == [""]


def test_each_record_is_judged_at_its_moment() -> None:
    """To the nanosecond, at both ends."""
    start, end = NOW - DAY, NOW + DAY
    batch = attached((grant(),), *[called()] * 4, at=[start - 1, start, end - 1, end])
    assert found(batch) == ["expired", "", "", "expired"]


def test_each_record_is_judged_with_its_version() -> None:
    """Equal ids may mean other grants; before the first registry nothing is missing."""
    history = History(
        (
            Version(0, registry(grant(purpose="old"))),
            Version(10, registry(grant(purpose="new"))),
            Version(20, registry()),
        )
    )
    batch = attached((), *[called()] * 4, versions=[-1, 0, 1, 2], history=history)
    assert ids(batch) == ["", "g", "g", ""]
    assert text(batch, "Purpose").to_pylist() == ["", "old", "new", ""]
    assert found(batch) == ["", "", "", "missing"]


@pytest.mark.parametrize(
    ("kind", "operation", "lacking"),
    [
        ("tool.call", "execute_tool", "out_of_scope"),
        ("mcp.tools.call", "execute_tool", "out_of_scope"),
        ("memory.write", "create_memory", "out_of_scope"),
        ("agent.delegate", "handoff", "out_of_scope"),
        ("agent.invoke", "invoke_agent", ""),
        ("model.call", "chat", ""),
        ("approval", "approval", ""),
        ("other", "", ""),
    ],
)
def test_actions_need_grants_by_their_kind(kind: str, operation: str, lacking: str) -> None:
    """An agent's own invocation needs any grant; what is no act on the world needs none."""
    row = called(ActionType=kind, Operation=operation, ToolName="")
    assert found(attached((grant(operations=["nothing"]),), row)) == [lacking]
    needs = kind not in ("model.call", "approval", "other")
    assert found(attached((), row)) == ["missing" if needs else ""]
    assert ids(attached((grant(operations=[operation or "*"]),), row)) == ["g"]


def test_targets_are_told_apart_by_all_patterns() -> None:
    """Many targets, several grants: each record gets its own."""
    grants = (
        grant("even", targets=["reservation:*0", "reservation:*2"]),
        grant("five", targets=["reservation:*5"]),
    )
    rows = [called(TargetId=f"R{n % 10}") for n in range(40)]
    assert ids(attached(grants, *rows)) == ["even", "", "even", "", "", "five", "", "", "", ""] * 4


@pytest.mark.parametrize(
    "pattern",
    ["*", "a*", "*a", "a?b", "%", "_", "a%", "a_b", "\\*", "[ab]*", "*\\%_", "", "a.b", "A*"],
)
def test_patterns_match_as_the_registry_has_it(pattern: str) -> None:
    """The column-wise match and `fnmatchcase` agree on every character that is special to one."""
    targets = [
        "",
        "a",
        "ab",
        "a%b",
        "a_b",
        "axb",
        "a.b",
        "\\",
        "\\x",
        "%",
        "_",
        "b\n",
        "a\nb",
        "x\\%_",
    ]
    expected = [fnmatchcase(target, pattern) for target in targets]
    assert _matches(pa.array(targets), pattern).tolist() == expected


def test_more_patterns_than_bits_fit() -> None:
    """A hundred grants, each for one reservation."""
    grants = tuple(grant(f"g{n}", targets=[f"reservation:R{n}"]) for n in range(100))
    rows = [called(TargetId=f"R{n}") for n in range(100)]
    assert ids(attached(grants, *rows)) == [f"g{n}" for n in range(100)]
