"""Arguments become Cedar values by the tool's schema: vectors for what JSON and Cedar see apart."""

import json

import cedarpy
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from auditspan.policy.arguments import (
    ArgumentMismatch,
    ArgumentType,
    argument_types,
    clean,
    narrowed,
    quoted,
    typed,
)
from auditspan.policy.schema import schema
from tests.policy.samples import ANYTHING, TOOLS, call, policies


def one(type_: str, value: JsonValue) -> JsonValue:
    """A value through the schema of a single argument `x`."""
    types = argument_types({"type": "object", "properties": {"x": {"type": type_}}})
    result = typed({"x": value}, types)
    assert isinstance(result, dict)
    return result.get("x")


def decimal(text: str) -> JsonValue:
    """A decimal in Cedar's JSON."""
    return {"__extn": {"fn": "decimal", "arg": text}}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1, decimal("1.0000")),
        (0.1, decimal("0.1000")),
        (-0.0, decimal("-0.0000")),
        (1e-7, decimal("0.0000")),
        (100.00004, decimal("100.0000")),
        (100.00005, decimal("100.0000")),
        (100.00015, decimal("100.0002")),
        (-2.99999, decimal("-3.0000")),
        (922337203685477, decimal("922337203685477.0000")),
        (922337203685478, "922337203685478"),
        (1e300, "1e+300"),
        (10**400, "1" + "0" * 400),
        (float("nan"), "nan"),
        (float("inf"), "inf"),
        (-float("inf"), "-inf"),
    ],
)
def test_numbers_are_decimals_of_four_digits(value: float, expected: JsonValue) -> None:
    """Rounded half to even; what no decimal can hold is text."""
    assert one("number", value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0, 0),
        (5.0, 5),
        (-(2**63), -(2**63)),
        (2**63 - 1, 2**63 - 1),
        (2**63, "9223372036854775808"),
        (-(2**63) - 1, "-9223372036854775809"),
        (1e20, "1e+20"),
    ],
)
def test_integers_are_longs_or_text(value: float, expected: JsonValue) -> None:
    """Beyond 64 bits an integer is text."""
    assert one("integer", value) == expected


def test_an_integer_too_long_for_decimal_digits_is_text() -> None:
    """Python refuses to write more than 4,300 digits; such a number still gets an answer."""
    assert str(one("integer", 10**5000)).startswith("0x")


@pytest.mark.parametrize("type_", ["string", "integer", "number", "boolean", "array", "object"])
def test_null_is_absent(type_: str) -> None:
    """Cedar has no null."""
    assert one(type_, None) is None


@pytest.mark.parametrize(
    ("type_", "value"),
    [
        ("integer", "5"),
        ("integer", 5.5),
        ("integer", True),
        ("number", "1.5"),
        ("number", False),
        ("string", 5),
        ("string", ["a"]),
        ("boolean", 1),
        ("boolean", "true"),
    ],
)
def test_another_type_than_declared_is_refused(type_: str, value: JsonValue) -> None:
    """The message names the place and the types, never the value."""
    with pytest.raises(ArgumentMismatch, match=r"^arguments.x is \w+, its tool declares \w+$"):
        one(type_, value)


def test_unicode_stays_and_lone_surrogates_go() -> None:
    """Cedar takes valid Unicode only."""
    assert one("string", "Zürich 🏦\n\0") == "Zürich 🏦\n\0"
    assert one("string", "a\ud800b") == "a\ufffdb"
    assert clean("🏦") == "🏦"


def test_arrays_are_sets_and_objects_records() -> None:
    """Undeclared properties and null elements are left out."""
    types = TOOLS["pay"].arguments
    value: dict[str, JsonValue] = {
        "labels": ["a", None, "a"],
        "payer": {"country": "CH", "age": 5},
        "other": 1,
    }
    assert typed(value, argument_types(types)) == {
        "labels": ["a", "a"],
        "payer": {"country": "CH"},
    }


@pytest.mark.parametrize(
    ("property_", "expected"),
    [
        ({"type": "string"}, "String"),
        ({"type": ["string", "null"]}, "String"),
        ({"anyOf": [{"type": "integer"}, {"type": "null"}]}, "Long"),
        ({"enum": ["a", "b"]}, "String"),
        ({"type": "array", "items": {"type": "number"}}, "Set<decimal>"),
        ({"$ref": "#/$defs/Id"}, "String"),
        ({"properties": {"a": {"type": "boolean"}}}, '{"a"?: Bool}'),
        (
            {"type": "array", "items": {"type": "object", "properties": {"a": {"type": "string"}}}},
            'Set<{"a"?: String}>',
        ),
    ],
)
def test_types_come_from_the_json_schema(property_: JsonValue, expected: str) -> None:
    """Unions with null, references and enumerations are what they come to."""
    types = argument_types({"properties": {"x": property_}, "$defs": {"Id": {"type": "string"}}})
    assert types.cedar() == f'{{"x"?: {expected}}}'


@pytest.mark.parametrize(
    "property_",
    [
        {},
        True,
        {"type": ["string", "integer"]},
        {"type": "array"},
        {"type": "object"},
        {"anyOf": [{"type": "string"}, {"type": "integer"}]},
        {"enum": ["a", 1]},
        {"$ref": "#/$defs/Missing"},
        {"$ref": "#/$defs/Loop"},
        {"$ref": "https://elsewhere.example/schema"},
        {"type": "nonsense"},
        {"type": 5},
        5,
    ],
)
def test_what_cedar_cannot_express_is_left_out(property_: JsonValue) -> None:
    """Such an argument cannot be read by a policy."""
    schema_: dict[str, JsonValue] = {
        "type": "object",
        "properties": {"x": property_, "y": {"type": "string"}},
        "$defs": {"Loop": {"$ref": "#/$defs/Loop"}},
    }
    assert argument_types(schema_).cedar() == '{"y"?: String}'


def test_a_schema_that_refers_to_itself_ends() -> None:
    """Recursive types are cut at a depth."""
    schema_: dict[str, JsonValue] = {"properties": {"x": {"$ref": "#"}, "y": {"type": "string"}}}
    assert argument_types(schema_).cedar().count('"y"?: String') == 7


def test_a_schema_that_multiplies_ends() -> None:
    """A few references that each name many others would be a billion types."""
    names: dict[str, JsonValue] = {str(number): {"$ref": "#"} for number in range(50)}
    schema_: dict[str, JsonValue] = {"properties": {**names, "y": {"type": "string"}}}
    assert len(argument_types(schema_).cedar()) < 50_000


def test_names_that_cedar_reserves_are_left_out() -> None:
    """A property cannot pose as an entity or an extension value."""
    names = ("__entity", "__extn", "__expr")
    assert not argument_types({"properties": {name: {"type": "string"} for name in names}}).fields


def test_only_what_is_looked_at_is_kept() -> None:
    """Narrowing follows paths into records; the empty path is everything."""
    types = argument_types(TOOLS["pay"].arguments)
    paths = frozenset({("amount",), ("payer", "country"), ("missing",)})
    assert narrowed(types, paths).cedar() == '{"amount"?: decimal, "payer"?: {"country"?: String}}'
    assert narrowed(types, frozenset({()})) == types
    assert narrowed(types, frozenset()) == ArgumentType("Record")


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_can_be_a_cedar_literal(text: str) -> None:
    """Property names of tools are quoted for the schema."""
    types = argument_types({"properties": {text: {"type": "string"}}})
    if types.fields:
        cedarpy.Schema.from_str(schema(types))
    found = json.loads(
        cedarpy.policies_to_json_str(
            f"permit(principal == Agent::{quoted(text)}, action, resource);"
        )
    )
    assert found["staticPolicies"]["policy0"]["principal"]["entity"]["id"] == text


LIMIT = (
    ANYTHING
    + """@id("limit") forbid(principal, action, resource == Tool::"pay")
  when { context.arguments has amount && context.arguments.amount.greaterThan(decimal("100.0")) };
@id("many") forbid(principal, action, resource == Tool::"pay")
  when { context.arguments has count && context.arguments.count > 9 };
@id("exact") forbid(principal, action, resource == Tool::"pay")
  when { context.arguments has count && context.arguments.count == 7 };
@id("place") forbid(principal, action, resource == Tool::"pay")
  when { context.arguments has payer.country && context.arguments.payer.country == "ZÜ" };
@id("label") forbid(principal, action, resource == Tool::"pay")
  when { context.arguments has labels && context.arguments.labels.contains("no") };"""
)


@pytest.mark.parametrize(
    ("arguments", "rule"),
    [
        ({}, "anything"),
        ({"amount": None}, "anything"),
        ({"amount": 100}, "anything"),
        ({"amount": 100.0001}, "limit"),
        ({"amount": 1e300}, "evaluation-error"),
        ({"amount": float("nan")}, "evaluation-error"),
        ({"amount": "100"}, "evaluation-error"),
        ({"count": 9.0}, "anything"),
        ({"count": 10}, "many"),
        ({"count": 7}, "exact"),
        ({"count": 2**64}, "evaluation-error"),
        ({"payer": {}}, "anything"),
        ({"payer": {"country": "ZÜ"}}, "place"),
        ({"payer": "ZÜ"}, "evaluation-error"),
        ({"labels": ["yes", "no"]}, "label"),
        ({"labels": []}, "anything"),
        ({"to": 5}, "anything"),
        (None, "evaluation-error"),
    ],
)
def test_arguments_decide_as_they_stand(arguments: dict[str, JsonValue] | None, rule: str) -> None:
    """A value that no policy can compare denies; what no policy looks at does not matter."""
    assert policies(LIMIT).decide(call(arguments=arguments)).rule_ids == (rule,)
