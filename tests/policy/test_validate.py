"""What loading refuses beyond syntax."""

import pytest
from pydantic import JsonValue

from auditspan.policy import PolicyInvalid, PolicySet, ToolSchema
from auditspan.policy.errors import Problem
from tests.policy.samples import ANYTHING, TOOLS, policies


def problems(text: str) -> list[Problem]:
    """Everything wrong with a file."""
    with pytest.raises(PolicyInvalid) as caught:
        policies(text)
    return list(caught.value.problems)


def when(condition: str, scope: str = "principal, action, resource") -> str:
    """A policy with a condition on its second line."""
    return f'@id("a") forbid({scope})\nwhen {{ {condition} }};'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("permit(principal, action, resource);", 'permit has no @id("…")'),
        ('@id("") permit(principal, action, resource);', "has no @id"),
        ("@id permit(principal, action, resource);", "has no @id"),
        ('@id("default-deny") permit(principal, action, resource);', "auditspan itself uses"),
        ('@id("agent-disabled") permit(principal, action, resource);', "auditspan itself uses"),
        ('@id("evaluation-error") permit(principal, action, resource);', "itself uses"),
        ('@id("a\\nb") permit(principal, action, resource);', "printable"),
        ('@id("a") @reveiw("true") permit(principal, action, resource);', "did you mean @review?"),
        ('@id("a") @severity("9") permit(principal, action, resource);', "no annotation of ours"),
        (
            '@id("a") @outcome("allow") permit(principal, action, resource);',
            "@outcome of a permit is 'allow', expected require_approval",
        ),
        (
            '@id("a") @outcome("review") permit(principal, action, resource);',
            "expected require_approval",
        ),
        (
            '@id("a") @outcome("deny") forbid(principal, action, resource);',
            "expected require_approval or review",
        ),
        ('@id("a") @review("yes") permit(principal, action, resource);', "expected true or false"),
    ],
)
def test_annotations_are_checked(text: str, message: str) -> None:
    """A missing id or a misspelt annotation would change records or decisions silently."""
    [found] = problems(text)
    assert message in found.message


def test_ids_are_unique_over_all_files() -> None:
    """The message says where the first one stands."""
    with pytest.raises(PolicyInvalid) as caught:
        PolicySet.load({"a.cedar": ANYTHING, "b.cedar": "\n" + ANYTHING}, TOOLS)
    [found] = caught.value.problems
    assert (found.file, found.line) == ("b.cedar", 2)
    assert "taken at a.cedar:1" in found.message


@pytest.mark.parametrize(
    ("condition", "column", "message"),
    [
        ("context.environmen == 1", 16, "`environmen`"),
        ("context.environment == 1", 1, "not compatible"),
        ("principal.rank == 1", 18, "`rank`"),
        ('context.grant == "g"', 16, "optional attribute"),
        ("context.user.roles.isEmpty()", 16, "optional attribute"),
        ('decimal("1.23456").lessThan(decimal("2.0"))', 16, "decimal"),
        ('decimal(context.purpose).lessThan(decimal("2.0"))', 1, "non-literal"),
    ],
)
def test_conditions_are_typed(condition: str, column: int, message: str) -> None:
    """The validator's words, at the place they speak of."""
    found = problems(when(condition))[0]
    assert message in found.message
    assert found.line in (1, 2)
    assert (found.line == 2) == (column > 1)


def test_scopes_are_typed() -> None:
    """An action that does not exist, or that no such resource can have."""
    text = when("true", 'principal, action == Action::"pay", resource')
    unknown = next(found for found in problems(text) if "unrecognized" in found.message)
    assert (unknown.line, unknown.column) == (1, 38)
    text = when("true", 'principal, action == Action::"chat", resource == Tool::"pay"')
    assert "applicable action" in problems(text)[0].message


def test_arguments_are_typed_by_the_tool() -> None:
    """A policy on one tool reads its arguments, behind `has`."""
    scope = 'principal, action, resource == Tool::"pay"'
    amount = 'context.arguments.amount.greaterThan(decimal("5.0"))'
    policies(when(f"context.arguments has amount && {amount}", scope))
    assert "optional attribute" in problems(when(amount, scope))[0].message
    wrong = when("context.arguments has amount && context.arguments.amount > 5", scope)
    assert problems(wrong)[0].line in (1, 2)


def test_a_policy_on_all_tools_is_typed_for_each() -> None:
    """What is a number in one tool and a text in another cannot be compared for both."""
    condition = "context.arguments has amount && context.arguments.amount > 5"
    long: dict[str, JsonValue] = {"properties": {"amount": {"type": "integer"}}}
    text: dict[str, JsonValue] = {"properties": {"amount": {"type": "string"}}}
    tools = {"a": ToolSchema(arguments=long), "b": ToolSchema()}
    PolicySet.load({"f": when(condition)}, tools)
    with pytest.raises(PolicyInvalid):
        PolicySet.load({"f": when(condition)}, tools | {"c": ToolSchema(arguments=text)})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (when("true", 'principal, action, resource == Tool::"pya"'), "did you mean 'pay'?"),
        (when('resource == Tool::"gone"'), "no tool is called 'gone'"),
        (
            when('context.arguments has amont && context.arguments.amont == "x"'),
            "did you mean 'amount'?",
        ),
        (when('context has enviroment && context.enviroment == "x"'), "no context.enviroment"),
        (when("principal has rank"), "no principal.rank"),
        (when("context == {}"), "reads context as a whole"),
        (when("(if true then context else context) has user"), "reads context as a whole"),
    ],
)
def test_names_that_nothing_bears_are_refused(text: str, message: str) -> None:
    """Cedar lets them pass behind `has` or as ids, and the policy would never match."""
    assert any(message in found.message for found in problems(text))


def test_without_a_catalogue_tool_names_are_not_checked() -> None:
    """A guard without a catalogue can still forbid a tool by name."""
    text = ANYTHING + when("true", 'principal, action, resource == Tool::"gone"')
    assert PolicySet.load({"f": text}, {}).slice("gone").handle.rules[1].id == "a"


def test_the_whole_vocabulary_is_accepted() -> None:
    """Every attribute that docs/policies.md lists can be used."""
    condition = """principal.name == "" || principal.owner == "" || principal.tags.contains("") ||
      principal.environments.contains(context.environment) || principal.provenance == "verified" ||
      context has user && (context.user.organisation == "" || context.user.provenance == "" ||
        context.user.scopes.contains("") || context.user.roles.contains("")) ||
      context has target && (context.target.type == "" || context.target.id like "*") ||
      resource is Tool && (resource.server == "" || resource.effect == "" ||
        resource.data_class == "" || resource.review_required) ||
      resource is Target && (resource.type == "" || resource.id == "") ||
      resource is Agent && resource.risk_tier == "" || resource is Model ||
      context.roles.isEmpty() || context.scopes.isEmpty() || context.hour < 6 ||
      context.weekday == "sunday" || !context.business_hours || context.purpose == "" ||
      context has grant && context.grant == "" """
    policies(when(condition))
