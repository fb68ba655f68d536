"""A grant covers what it names, while it is in force, and a lack is named."""

from typing import Any

import pytest

from auditspan.registry import Grant
from auditspan.registry.grants import Wanted, of_agent, resolve

MARCH = 1772323200 * 10**9
"""2026-03-01T00:00:00Z"""


def grant(id: str = "g", **changed: Any) -> Grant:
    """A grant for the first half of 2026, with changes."""
    fields = {
        "id": id,
        "grantor": "head",
        "agent": "a",
        "granted_at": "2026-01-01T00:00:00Z",
        "expires_at": "2026-07-01T00:00:00Z",
    }
    return Grant.model_validate(fields | changed)


def wanted(**changed: Any) -> Wanted:
    """A refund by alice in production in March, with changes."""
    fields: dict[str, Any] = {
        "agent": "a",
        "user": "alice",
        "roles": ("support",),
        "tool": "refund",
        "target": "order:O-1",
        "environment": "production",
        "at_ns": MARCH,
    }
    return Wanted(**(fields | changed))


@pytest.mark.parametrize(
    ("given", "asked", "lacking"),
    [
        ({}, {}, ""),
        ({"users": ["alice"]}, {}, ""),
        ({"users": ["bob"]}, {}, "authorization.missing"),
        ({"users": ["bob"], "roles": ["support"]}, {}, ""),
        ({"roles": ["finance"]}, {}, "authorization.missing"),
        ({"users": ["alice"]}, {"user": ""}, "authorization.missing"),
        ({"users": "*"}, {"user": ""}, ""),
        ({"roles": "*"}, {"roles": ()}, ""),
        ({"agent": "b"}, {}, "authorization.missing"),
        ({"tools": ["refund", "lookup"]}, {}, ""),
        ({"tools": ["lookup"]}, {}, "authorization.out_of_scope"),
        ({"tools": "*"}, {}, ""),
        ({"operations": ["chat"]}, {}, "authorization.out_of_scope"),
        ({"environments": ["staging"]}, {}, "authorization.out_of_scope"),
        ({"targets": ["order:*"]}, {}, ""),
        ({"targets": ["order:*"]}, {"target": "customer:C"}, "authorization.out_of_scope"),
        ({"targets": ["order:*"]}, {"target": ""}, "authorization.out_of_scope"),
        ({"tools": ["lookup"]}, {"tool": "", "operation": "chat"}, ""),
        ({}, {"at_ns": MARCH * 2}, "authorization.expired"),
        ({}, {"at_ns": 0}, "authorization.expired"),
    ],
)
def test_a_grant_covers_or_the_lack_is_named(
    given: dict[str, Any], asked: dict[str, Any], lacking: str
) -> None:
    """Person, scope and time are judged in this order; empty and `*` mean any."""
    found = resolve([grant(**given)], wanted(**asked))
    assert found.lacking == lacking
    if lacking == "":
        assert found.grant is not None


def test_the_instants_of_a_grant() -> None:
    """The first instant belongs to the grant, the last does not."""
    one = grant()
    assert resolve([one], wanted(at_ns=one.granted_ns)).lacking == ""
    assert resolve([one], wanted(at_ns=one.expires_ns - 1)).lacking == ""
    assert resolve([one], wanted(at_ns=one.expires_ns)).lacking == "authorization.expired"


def test_an_expired_grant_is_named() -> None:
    """The finding says which permission ran out."""
    found = resolve([grant("old")], wanted(at_ns=MARCH * 2))
    assert found.grant is not None
    assert found.grant.id == "old"


def test_of_several_grants_the_longest_is_named() -> None:
    """The order in which grants are written does not matter."""
    grants = [grant("b"), grant("a"), grant("z", expires_at="2027-01-01T00:00:00Z")]
    for order in (grants, grants[::-1]):
        found = resolve(order, wanted())
        assert found.grant is not None
        assert found.grant.id == "z"
    assert [one.id for one in of_agent(grants, "a")] == ["a", "b", "z"]
    assert of_agent(grants, "other") == []
