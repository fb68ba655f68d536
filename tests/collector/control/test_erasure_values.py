"""Which values go, where else in a record they stand, and what of them is looked for elsewhere."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditspan.collector.control.erasure_values import (
    closure,
    forms,
    naming,
    present,
    quotes,
    quoting,
    values_of,
)

EMAIL = "cus-violet-4711@example.test"


def row(**columns: Any) -> dict[str, Any]:
    """A record with these columns."""
    return {"ToolName": "pay", "RequestDigest": "sha256:aa", **columns}


def test_empty_groups_are_not_there() -> None:
    """Only what holds something can go."""
    assert present(row(ToolArguments="", Derived={}, UserId="u")) == ["user", "tool", "request"]


@pytest.mark.parametrize(
    ("columns", "asked", "goes"),
    [
        ({"UserId": EMAIL}, "user", {"user"}),
        ({"UserId": EMAIL, "Summary": f"for {EMAIL}."}, "user", {"user", "text"}),
        (
            {"UserId": EMAIL, "SpanAttributes": {"enduser.id": EMAIL}},
            "user",
            {"user", "attributes"},
        ),
        (
            {"UserId": EMAIL, "Events": [{"Name": "e", "Attributes": {"x": f"<{EMAIL}>"}}]},
            "user",
            {"user", "events"},
        ),
        ({"UserId": EMAIL, "ResourceAttributes": {"who": EMAIL}}, "user", {"user", "resource"}),
        ({"UserId": EMAIL, "Derived": {"audit.user.email": EMAIL}}, "user", {"user", "derived"}),
        ({"UserId": EMAIL, "SpanName": f"GET /users/{EMAIL}"}, "user", {"user", "names"}),
        # A value of three characters is found as a whole value only.
        ({"UserId": "bob", "Summary": "for bob.", "SpanAttributes": {"u": "bob"}}, "user",
         {"user", "attributes"}),
        # Arguments as JSON: their leaves stand elsewhere, and names of attributes tell.
        ({"ToolArguments": '{"to": ["Violet A."]}', "TargetId": "Violet A."}, "arguments",
         {"arguments", "target"}),
        ({"ToolArguments": '{"n": 471100}', "StatusMessage": "no 471100"}, "arguments",
         {"arguments", "text"}),
        ({"ToolArguments": "x", "SpanAttributes": {"gen_ai.tool.call.arguments": "other form"}},
         "arguments", {"arguments", "attributes"}),
        ({"ToolResult": "y", "SpanAttributes": {"output.value": "y2"}}, "result",
         {"result", "attributes"}),
        ({"ToolArguments": "[" * 5_000, "TargetId": "t"}, "arguments", {"arguments"}),
        ({"ToolArguments": "{not json", "TargetId": "t"}, "arguments", {"arguments"}),
        ({"UserId": "", "TargetId": "t"}, "user", set()),
    ],
)  # fmt: skip
def test_what_goes_with_it(columns: dict[str, Any], asked: str, goes: set[str]) -> None:
    """The group itself and every other that holds one of its values."""
    assert set(closure(row(**columns), [asked])) == goes


def test_all_of_a_record() -> None:
    """Everything that is there."""
    whole = row(UserId="u", ToolArguments="a", Derived={"k": "v"})
    assert closure(whole, present(whole)) == present(whole)


@given(
    st.text(min_size=4, max_size=30),
    st.sampled_from(["Summary", "SpanName", "TargetId", "ToolResult", "Purpose"]),
)
def test_a_value_in_any_text_takes_its_group_along(value: str, column: str) -> None:
    """Whatever the characters; also as JSON writes them."""
    for text in (f"before {value} after", json.dumps({"x": value}), json.dumps([value], indent=1)):
        found = closure(row(UserId=value, **{column: text}), ["user"])
        assert len(found) >= 2, text


@pytest.mark.parametrize(
    ("columns", "groups", "found"),
    [
        ({"UserId": "anna"}, ["user"], {"anna"}),
        ({"UserId": "bob"}, ["user"], set()),
        ({"ToolArguments": f'{{"customer": "{EMAIL}", "verb": "send"}}'}, ["arguments"],
         {EMAIL, f'{{"customer": "{EMAIL}", "verb": "send"}}'}),
        ({"StatusMessage": f"no customer {EMAIL}, nor case ZX-471100."}, ["text"],
         {EMAIL, "ZX-471100"}),
        ({"SpanAttributes": {"note": f"for {EMAIL}", "gen_ai.request.model": "sonnet-4-20250514"}},
         ["attributes"], {EMAIL}),
        ({"Events": [{"Name": "said", "Attributes": {"text": f"I am {EMAIL}"}}]}, ["events"],
         {EMAIL}),
        ({"Purpose": "refund of 2026-11-25, version v1.30.2, 12345678 items"}, ["authorization"],
         set()),
        ({"ServiceName": "billing-service-7", "ToolName": "pay_invoice_2"}, ["names", "tool"],
         set()),
        ({"ResourceAttributes": {"host.ip": "web-prod-17"}}, ["resource"], set()),
    ],
)  # fmt: skip
def test_what_is_looked_for_elsewhere(
    columns: dict[str, Any], groups: list[str], found: set[str]
) -> None:
    """Names, addresses and numbers of cases; no common words, versions, days or software."""
    assert naming(row(**columns), groups) == found


def test_a_value_as_json_writes_it() -> None:
    """Quotes, line ends and letters beyond ASCII are escaped in one way or another."""
    for text in ('say "hi"\n', "Zoë Ünal", "a\\b"):
        assert quotes(f"x {text} y", [text])
        for form in forms(text):
            assert quotes(form, [text])


def test_a_read_is_erased_where_it_quotes() -> None:
    """Not who read."""
    read = row(UserId=EMAIL, Derived={"audit.control.body": f"SELECT '{EMAIL}'"}, Summary="a read")
    assert quoting(read, ["derived", "text", "attributes"], frozenset({EMAIL})) == ["derived"]


def test_values_are_texts_at_any_depth() -> None:
    """Of lists and maps their values, never their keys."""
    found = values_of(row(DataSubjectIds=["a", "b"], TargetId="c"), ["target"])
    assert found == {"a", "b", "c"}
    assert values_of(row(SpanAttributes={"k": "v"}), ["attributes"]) == {"v"}
