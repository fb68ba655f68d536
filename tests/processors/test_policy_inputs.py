"""Every attribute that policies can read comes from a column."""

import pytest

from auditspan.policy import PolicySet
from auditspan.policy.schema import AGENT, CONTEXT, TARGET, USER
from auditspan.processors.policy_inputs import sources_of, texts_of

RESOURCES = {
    "execute_tool": {"Effect"},
    "chat": {"ModelName"},
    "invoke_agent": {"AgentId", "TargetType", "TargetId"},
    "search_memory": {"TargetType", "TargetId"},
}
PLAIN = [f"context.{name.rstrip('?')}" for name in CONTEXT if name not in ("user?", "target?")]
PATHS = [
    *(f"principal.{name}" for name in AGENT),
    *PLAIN,
    *(f"context.user.{name}" for name in USER),
    *(f"context.target.{name}" for name in TARGET),
]


@pytest.mark.parametrize("operation", RESOURCES)
@pytest.mark.parametrize("whole", ["principal", "resource", "context.user", "context.target"])
def test_an_entity_as_a_whole(operation: str, whole: str) -> None:
    """An entity that is passed on is all its attributes; a tool stands in the catalogue."""
    guard = "context has user && context has target && "
    text = f'@id("x") permit(principal, action, resource) when {{ {guard}[{whole}] == [{whole}] }};'
    found = PolicySet.load({"f": text}, {}).slice("", operation)
    expected = {
        "principal": {"AgentId", "AgentName", "AgentProvenance"},
        "context.user": {"UserId", "UserProvenance", "OrganizationId", "user.roles"},
        "context.target": {"TargetType", "TargetId"},
        "resource": RESOURCES[operation],
    }
    assert expected[whole] <= sources_of(found, operation)


@pytest.mark.parametrize("path", PATHS)
def test_an_attribute(path: str) -> None:
    """Each is looked up in at least one column."""
    guard = "context has user && context has target && context has grant && "
    text = f'@id("x") permit(principal, action, resource) when {{ {guard}[{path}] == [{path}] }};'
    assert sources_of(PolicySet.load({"f": text}, {}).slice("", "chat"), "chat")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ()),
        ('["b","a"]', ("a", "b")),
        ('[1,null,"a"]', ("a",)),
        ("{", ()),
        ('"a"', ()),
        ("[" * 100_000, ()),
    ],
)
def test_lists_are_read_leniently(text: str, expected: tuple[str, ...]) -> None:
    """What is no list is an empty one."""
    assert texts_of(text) == expected
