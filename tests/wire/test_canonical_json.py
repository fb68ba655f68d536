"""Canonical JSON: equal values have equal bytes, and unequal ones do not."""

import hashlib
import hmac
import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditspan.wire.canonical_json import Json, canonical, canonical_json, digest, hmac_digest

RFC_INPUT = (
    '{"numbers":[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001],'
    '"string":"\\u20ac$\\u000F\\u000aA\'\\u0042\\u0022\\u005c\\\\\\"\\/","literals":[null,true,false]}'
)
RFC_OUTPUT = (
    '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],'
    '"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'
)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


def test_the_example_of_the_rfc() -> None:
    """RFC 8785 §3.2.2."""
    assert canonical(json.loads(RFC_INPUT)).decode() == RFC_OUTPUT


def test_keys_are_sorted_as_utf16() -> None:
    """RFC 8785 §3.2.3, in the rules of the RFC and in those of ours."""
    keys: dict[str, Json] = {"\ufb33": 1, "\U0001f600": 2, "1": 3}
    order = '{"1":3,"\U0001f600":2,"\ufb33":1'
    assert canonical(keys).decode() == order + "}"
    assert canonical({**keys, "\uffff": 2**60}).decode() == order + ',"\uffff":1152921504606846976}'


@given(values)
def test_canonical_text_is_the_same_value(value: Json) -> None:
    """Reading it again gives what was written, and writing that again the same bytes."""
    text = canonical(value)
    assert json.loads(text) == value
    assert canonical(json.loads(text)) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (2**53 + 1, b"9007199254740993"),
        (-(2**63), b"-9223372036854775808"),
        (math.nan, b'"NaN"'),
        ([math.inf, -math.inf], b'["Infinity","-Infinity"]'),
        ({"a\ud800b": 1.5, "c": "\udfff"}, b'{"a\\ud800b":1.5,"c":"\\udfff"}'),
        ([2**60, True, None, 1.0, (False,)], b"[1152921504606846976,true,null,1,[false]]"),
    ],
)
def test_what_the_rfc_lacks_has_a_form_by_our_rules(value: Json, text: bytes) -> None:
    """And the function that holds to the RFC refuses it."""
    assert canonical(value) == text
    with pytest.raises(ValueError):
        canonical_json(value)


@pytest.mark.parametrize("value", [{1: "a"}, {1: 2**60}, b"bytes", {"a"}, [object()]])
def test_what_is_no_json_is_refused(value: object) -> None:
    """Nothing is turned into text by chance."""
    with pytest.raises(TypeError):
        canonical(value)  # type: ignore[arg-type]


def test_digests_say_their_algorithm() -> None:
    """Over the canonical bytes, with and without a key."""
    assert digest({"b": 1, "a": 2}) == "sha256:" + hashlib.sha256(b'{"a":2,"b":1}').hexdigest()
    expected = hmac.new(b"key", b'{"a":2,"b":1}', "sha256").hexdigest()
    assert hmac_digest({"b": 1, "a": 2}, b"key") == f"hmac-sha256:{expected}"
