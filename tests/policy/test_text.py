"""Statements and the place of what is wrong in them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditspan.policy import PolicyInvalid, PolicySet
from auditspan.policy.errors import Problem
from auditspan.policy.text import statements, tokenize
from tests.policy.samples import ANYTHING, TOOLS


def problem(text: str) -> Problem:
    """The only problem of a file."""
    with pytest.raises(PolicyInvalid) as caught:
        PolicySet.load({"bank.cedar": text}, TOOLS)
    [found] = caught.value.problems
    return found


def test_statements_end_at_semicolons_outside_of_strings_and_comments() -> None:
    """A `;` in a string or a comment ends nothing."""
    text = '@id("a;b") permit(principal, action, resource); // no; really\n@id("c") forbid'
    assert [statement.text for statement in statements("f", text)] == [
        '@id("a;b") permit(principal, action, resource);',
        '@id("c") forbid',
    ]


@given(st.text())
def test_every_character_is_a_token_or_space_or_comment(text: str) -> None:
    """Nothing is skipped unseen."""
    rest = text
    for token in tokenize(text):
        gap, rest = rest[: rest.index(token.text)], rest[rest.index(token.text) + len(token.text) :]
        assert all(not line.strip() or "//" in line for line in gap.split("\n"))


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ('@id("a")\npermit(principal, action, resourc);', (2, 27), "invalid variable"),
        ('@id("a")\npermit(principal action, resource);', (2, 18), "unexpected token `action`"),
        (
            '@id("a") permit(principal, action, resource) when {\n  1 == };',
            (2, 8),
            "unexpected token `}`",
        ),
        ('@id("a") permit(principal, action, resource) when { 1 # 2 };', (1, 55), "invalid token"),
        ('@id("a") permit(principal, action, resource) when { "x };', (1, 53), "invalid token"),
        ('@id("a") permit(principal, action, resource)', (1, 44), "policy ends here without `;`"),
        ('@id("a") allow(principal, action, resource);', (1, 10), "invalid policy effect"),
        (
            '@id("a") permit(principal, action, resource) when { principal.foo() };',
            (1, 63),
            "`foo` is not a valid method",
        ),
        ('@id("a")\n@id("a") permit(principal, action, resource);', (2, 1), "duplicate annotation"),
        (
            '@id("a") permit(principal == ?principal, action, resource);',
            (1, 1),
            "without ?slots",
        ),
    ],
)
def test_syntax_errors_have_line_column_and_line_text(
    text: str, place: tuple[int, int], message: str
) -> None:
    """Cedar gives no position; the first token that it refuses is the place."""
    found = problem(ANYTHING + text)
    assert (found.line - 1, found.column) == place
    assert message in found.message
    assert found.file == "bank.cedar"
    assert found.text == text.split("\n")[place[0] - 1].strip()
    assert str(found).startswith(f"bank.cedar:{found.line}:{found.column}: ")


def test_columns_count_characters() -> None:
    """Not bytes: a column is what an editor shows."""
    assert problem('@id("ü") /* */').column == 10


@pytest.mark.parametrize("opening", ["(", "[", "{a:"])
def test_deep_nesting_is_refused_before_the_parser_sees_it(opening: str) -> None:
    """Cedar's parser ends the process at a thousand brackets."""
    text = f'@id("a") permit(principal, action, resource) when {{ {opening * 100_000} }};'
    assert "nested deeper" in problem(text).message


@pytest.mark.parametrize("part", ["true && ", "if true then true else ", "1 + "])
def test_endless_chains_are_refused(part: str) -> None:
    """Chains recurse too."""
    text = f'@id("a") permit(principal, action, resource) when {{ {part * 100_000} true }};'
    assert "tokens" in problem(text).message


def test_a_long_chain_is_refused_with_a_place() -> None:
    """What Python cannot read of Cedar's JSON is an error of the policy, not of the service."""
    text = f'@id("a") permit(principal, action, resource) when {{ {"true && " * 900} true }};'
    assert "nested too deep" in problem(text).message


def test_all_problems_are_reported_in_order() -> None:
    """One load tells everything."""
    with pytest.raises(PolicyInvalid) as caught:
        PolicySet.load({"b.cedar": "permit(", "a.cedar": "forbid;\npermit;"}, TOOLS)
    places = [(found.file, found.line) for found in caught.value.problems]
    assert places == [("a.cedar", 1), ("a.cedar", 2), ("b.cedar", 1)]
    assert str(caught.value).count("\n    ") == 3
