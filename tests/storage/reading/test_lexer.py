"""Tokens of ClickHouse, and nothing that another reader of the text could end elsewhere."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditspan.storage.engine import Engine
from auditspan.storage.errors import StatementRefused
from auditspan.storage.reading.lexer import Kind, quoted_text, tokens


def _values(sql: str) -> list[str]:
    return [token.value for token in tokens(sql)]


def test_words_signs_and_comments() -> None:
    """Comments of every kind are dropped, and end where the engine ends them."""
    sql = "SELECT a,b /* x */ FROM t -- y\nWHERE a->b # z\n AND c::d #! w"
    assert _values(sql) == [
        "SELECT",
        "a",
        ",",
        "b",
        "FROM",
        "t",
        "WHERE",
        "a",
        "->",
        "b",
        "AND",
        "c",
        "::",
        "d",
    ]


@pytest.mark.parametrize(
    "literal",
    [
        *("'a'", "'it''s'", r"'it\'s'", r"'a\\'", r"'\x41\t\n\0\e\a'", r"'\q \% \_'", "'-- /* ;'"),
        *("'a\nb'", r"'\u'", r"'\N'", "'“ü”'", r"'\xc3\xbc'", r"'\/ \= \`'", "''''", r"'\\\''"),
    ],
)
def test_a_text_has_the_value_that_the_engine_gives_it(store: Engine, literal: str) -> None:
    """And written again by us, the same one."""
    (token,) = tokens(literal)
    wanted = store.raw(f"SELECT hex({literal})", "TSVRaw").strip().decode()
    assert token.value.encode().hex().upper() == wanted
    ours = store.raw(f"SELECT hex({quoted_text(token.value)})", "TSVRaw").strip().decode()
    assert ours == wanted


@given(text=st.text(max_size=40))
def test_any_text_comes_back_from_its_literal(text: str) -> None:
    """Whatever is in it, it is one token with that value."""
    (token,) = tokens(quoted_text(text))
    assert (token.kind, token.value) == (Kind.TEXT, text)


@given(text=st.text(max_size=40))
def test_tokens_cover_what_they_say(text: str) -> None:
    """Each stands where it says, one behind the other; anything else is refused."""
    try:
        found = tokens(text)
    except StatementRefused as refusal:
        assert refusal.code in (62, 167, 168)
        return
    ends = [0, *(token.end for token in found)]
    assert all(end <= token.start < token.end for end, token in zip(ends, found, strict=False))


@pytest.mark.parametrize(
    "number", ["1", "1.5", "1.", ".5", "1e3", "1E-3", "0x1F", "0b101", "1_000"]
)
def test_numbers(number: str) -> None:
    """One token, as it is written."""
    (token,) = tokens(number)
    assert (token.kind, token.value) == (Kind.NUMBER, number)


def test_members_of_members() -> None:
    """`t.1.2` is a name and two numbers, not a fraction."""
    assert _values("t.1.2 + a[1].3") == ["t", ".", "1", ".", "2", "+", "a", "[", "1", "]", ".", "3"]


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("SELECT 'a", "never ends"),
        ("SELECT `a", "never ends"),
        ("SELECT $x$ a $x$", "no heredocs"),
        ("SELECT a\u00a0FROM b", "only ASCII"),
        ("SELECT ‘a’", "only ASCII"),
        ("SELECT @@version", "no word, number or sign"),
        ("SELECT 1 & 2", "no word, number or sign"),
        ("SELECT 1a", "no word, number or sign"),
        ("SELECT 0xZZ", "no word, number or sign"),
        ("SELECT a\0b", "no word, number or sign"),
        ("SELECT `a``b`", "without quotes"),
        (r"SELECT `a\nb`", "without quotes"),
        ("SELECT ``", "without quotes"),
        (r"SELECT '\xff'", "not UTF-8"),
        ("SELECT (1]", "closes nothing"),
        ("SELECT 1)", "closes nothing"),
        ("SELECT ((1)", "never closed"),
        (f"SELECT {'a' * 200}", "of 200 characters"),
    ],
)
def test_what_is_no_token_is_refused_with_a_reason(sql: str, words: str) -> None:
    """As a syntax error, as the engine would."""
    with pytest.raises(StatementRefused, match=words) as refusal:
        tokens(sql)
    assert refusal.value.code == 62
