"""What a policy can reach is found in its text."""

import json

import cedarpy
import pytest

from auditspan.policy.references import WholeContext, references


def found(condition: str, scope: str = "principal, action, resource") -> set[str]:
    """Attributes and arguments of a policy, arguments with `$`."""
    text = cedarpy.policies_to_json_str(f"permit({scope}) when {{ {condition} }};")
    result = references(json.loads(text)["staticPolicies"]["policy0"])
    return result.attributes | {".".join(("$", *path)) for path in result.arguments}


AGENT = {
    f"principal{suffix}"
    for suffix in (
        "",
        ".name",
        ".owner",
        ".risk_tier",
        ".environments",
        ".roles",
        ".tags",
        ".registered",
        ".provenance",
    )
}


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("true", set()),
        ('action == Action::"x"', set()),
        ("principal.name == context.purpose", {"principal.name", "context.purpose"}),
        ('context["purpose"] like "a*"', {"context.purpose"}),
        ('principal == Agent::"a"', {"principal"}),
        ('principal in Role::"a"', {"principal", "principal.roles"}),
        ('[principal.name].contains("x")', {"principal.name"}),
        (
            "if context.hour < 5 then principal.registered else false",
            {
                "context.hour",
                "principal.registered",
            },
        ),
        ("context has user", {"context.user?"}),
        ("context has user.roles", {"context.user?", "context.user.roles"}),
        ("context has grant", {"context.grant"}),
        (
            'context.user in Organization::"o"',
            {
                "context.user",
                "context.user.roles",
                "context.user.organisation",
            },
        ),
        ("[principal].contains(principal)", AGENT),
        ('{a: principal}.a.name == "x"', AGENT),
        ("context has arguments", set()),
        ("context.arguments has a", {"$.a"}),
        ("context.arguments has a.b", {"$.a.b"}),
        ("context.arguments has a && context.arguments.a.b", {"$.a.b"}),
        ("context.arguments.a.b > -context.arguments.c", {"$.a.b", "$.c"}),
        ('context.arguments["odd name"].containsAll([])', {"$.odd name"}),
        ("context.arguments == {}", {"$"}),
        ("resource is Tool", {"resource"}),
        ('resource is Tool in Server::"s"', {"resource", "resource.server", "resource.roles"}),
    ],
)
def test_conditions(condition: str, expected: set[str]) -> None:
    """Every attribute that the expression can read, and no other."""
    assert found(condition) == expected


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        ('principal == Agent::"a", action, resource', {"principal"}),
        ('principal in Role::"a", action, resource', {"principal", "principal.roles"}),
        ("principal is Agent, action, resource", set()),
        ('principal, action == Action::"a", resource == Tool::"t"', {"resource"}),
    ],
)
def test_scopes(scope: str, expected: set[str]) -> None:
    """What a scope compares is looked at."""
    assert found("true", scope) == expected


@pytest.mark.parametrize("condition", ["context == {}", "{a: context}.a.purpose == 1"])
def test_context_as_a_whole_is_refused(condition: str) -> None:
    """It would make every decision a new one."""
    with pytest.raises(WholeContext):
        found(condition)


def test_named_tools_are_collected() -> None:
    """From scope and condition."""
    text = cedarpy.policies_to_json_str(
        'permit(principal, action, resource == Tool::"a")'
        ' when { [Tool::"b", Model::"c"].contains(resource) };'
    )
    assert references(json.loads(text)["staticPolicies"]["policy0"]).tools == {"a", "b"}
