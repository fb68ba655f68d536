"""Hashes of content."""

import hmac
import json

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditspan.processors.hashes import canonical, content_hash, content_hashes

KEY = b"k" * 32
NUMBERS = st.one_of(st.integers(), st.floats(allow_nan=False, allow_infinity=False))
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBERS, st.text()),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@settings(deadline=None)  # the first example loads what the others use
@given(VALUES, st.booleans())
def test_the_fast_form_is_the_canonical_form(value: object, ascii: bool) -> None:
    """Whatever the JSON: a column of texts gives the hash of their RFC 8785 form."""
    text = json.dumps(value, ensure_ascii=ascii, indent=1)
    assert content_hashes(pa.array([text]), KEY).to_pylist() == [content_hash(text, KEY)]


@settings(deadline=None)
@given(
    st.recursive(
        st.sampled_from(
            [
                '"a"',
                '":"',
                '"{"',
                '"\\u003a"',
                '"\\""',
                "1",
                "-0",
                "1e2",
                "9007199254740993",
                "123456789012345",
                "null",
                "1.0",
                '"é\x7f"',
            ]
        ),
        lambda inner: st.one_of(
            st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]"),
            st.lists(
                st.tuples(st.sampled_from(['"a"', '"b"', '"a:"', '"\\u0061"']), inner), max_size=3
            ).map(lambda pairs: "{" + ",".join(f"{key}: {value}" for key, value in pairs) + "}"),
        ),
    ),
    st.sampled_from(["", " ", "x", ":", ","]),
    st.sampled_from(["", " ", "\n"]),
)
def test_the_fast_form_of_a_text_is_the_canonical_form(json: str, after: str, before: str) -> None:
    """However it is spelled: keys that stand twice, colons in texts, escapes, no JSON at all."""
    text = before + json + after
    assert content_hashes(pa.array([text]), KEY).to_pylist() == [content_hash(text, KEY)]


def test_spelling_does_not_matter() -> None:
    """Order of keys, white space and escapes are the same arguments."""
    spelled = ['{"a":1,"b":"é"}', '{ "b": "\\u00e9", "a": 1 }']
    first, second = content_hashes(pa.array(spelled), KEY).to_pylist()
    assert first == second
    assert first.startswith("hmac-sha256:")
    assert len(first) == len("hmac-sha256:") + 64


def test_another_key_is_another_hash() -> None:
    """Without the key nobody can try out contents."""
    assert content_hash("x", KEY) != content_hash("x", b"other" * 8)


def test_no_content_has_no_hash() -> None:
    """Empty and null are no content."""
    assert content_hashes(pa.array(["", None], pa.string()), KEY).to_pylist() == ["", ""]


@pytest.mark.parametrize(
    "text",
    [
        "plain text",
        '{"a": 1, "a": 2}',
        "NaN",
        '{"n": ' + "9" * 30 + "}",
        '"\\ud800"',
        "[" * 100_000,
        '{"a":',
    ],
)
def test_what_has_no_canonical_form_is_hashed_as_it_is(text: str) -> None:
    """No JSON, two readings, or numbers and characters that RFC 8785 does not have."""
    assert canonical(text) == text.encode()
    assert content_hashes(pa.array([text]), KEY).to_pylist() == [content_hash(text, KEY)]


@pytest.mark.parametrize("length", [0, 1, 32, 64, 65, 200])
def test_it_is_hmac_of_the_canonical_form(length: int) -> None:
    """The hash is that of the standard library, whatever the length of the key."""
    key = bytes(range(length))
    expected = hmac.digest(key, b'{"a":1,"b":"x"}', "sha256").hex()
    assert content_hash('{"b": "x", "a": 1}', key) == f"hmac-sha256:{expected}"
