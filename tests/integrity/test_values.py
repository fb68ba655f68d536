"""Values become bytes in one way only, and no two values become the same bytes."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditspan.integrity.errors import ValueInvalid
from auditspan.integrity.values import encoder, netstring

TEXTS = st.text(st.characters(codec="utf-8"), max_size=8)
INTS = st.integers(-(2**63), 2**64 - 1)
MAPS = st.dictionaries(TEXTS, TEXTS, max_size=4)
KINDS = {
    "string": TEXTS,
    "int": INTS,
    "strings": st.lists(TEXTS, max_size=4),
    "map": MAPS,
    "bytes": st.binary(max_size=8),
    "bool?": st.sampled_from([None, False, True]),
    "[int,string,map]": st.lists(st.tuples(INTS, TEXTS, MAPS), max_size=3),
    "[string,strings]": st.lists(st.tuples(TEXTS, st.lists(TEXTS, max_size=2)), max_size=3),
}


@pytest.mark.parametrize(
    ("kind", "value", "encoded"),
    [
        ("string", "", b""),
        ("string", None, b""),
        ("string", "é\0", b"\xc3\xa9\0"),
        ("string", b"\xff", b"\xff"),
        ("int", 0, b""),
        ("int", -5, b"-5"),
        ("int", 2**64 - 1, b"18446744073709551615"),
        ("float", 0.0, b""),
        ("float", -0.0, b"8000000000000000"),
        ("float", 1.5, b"3ff8000000000000"),
        ("float", float("nan"), b"7ff8000000000000"),
        ("float?", None, b""),
        ("float?", 0.0, b"0000000000000000"),
        ("bool", False, b""),
        ("bool", True, b"1"),
        ("bool?", None, b""),
        ("bool?", False, b"0"),
        ("bool?", True, b"1"),
        ("bytes", b"\0", b"\0"),
        ("strings", [], b""),
        ("strings", [""], b"0:,"),
        ("strings", ["a", "é"], b"1:a,2:\xc3\xa9,"),
        ("map", {}, b""),
        ("map", {"b": "1", "a": ""}, b"1:a,0:,1:b,1:1,"),
        ("map", [("b", "1"), ("a", b"\xff")], b"1:a,1:\xff,1:b,1:1,"),
        ("map", {"\U0001f600": "x", "\uffee": "y"}, b"3:\xef\xbf\xae,1:y,4:\xf0\x9f\x98\x80,1:x,"),
        ("[int,string]", [], b""),
        ("[int,string]", [(0, "")], b"7:1:0,0:,,"),
    ],
)
def test_bytes_of_values(kind: str, value: object, encoded: bytes) -> None:
    """The table of the format document."""
    assert encoder(kind)(value) == encoded


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("string", 1),
        ("string", "\ud800"),
        ("int", "1"),
        ("int", True),
        ("int", 1.0),
        ("float", 1),
        ("float?", 1),
        ("bool", 0),
        ("bool?", 1),
        ("bytes", "a"),
        ("strings", "abc"),
        ("strings", 5),
        ("strings", [1]),
        ("map", "abc"),
        ("map", 5),
        ("map", ["ab", 5]),
        ("map", [("a", "1"), ("a", "2")]),
        ("map", {"a": 1}),
        ("map", {"a": ["1"]}),
        ("map", {1: "a"}),
        ("[int,string]", "ab"),
        ("[int,string]", [(1,)]),
        ("[int,string]", [5]),
        ("[int,string]", [(None, "a")]),
    ],
)
def test_values_of_another_kind_are_refused(kind: str, value: object) -> None:
    """Nothing is guessed: what could be read in two ways has no bytes."""
    with pytest.raises(ValueInvalid):
        encoder(kind)(value)


def test_unknown_kinds_are_refused() -> None:
    """A kind that a later version adds is not taken for another."""
    with pytest.raises(ValueInvalid, match="kind decimal"):
        encoder("decimal")


def test_a_refusal_does_not_tell_the_value() -> None:
    """Messages end in logs."""
    with pytest.raises(ValueInvalid) as raised:
        encoder("int")("alice@example.com")
    assert "alice" not in str(raised.value)


@pytest.mark.parametrize("kind", KINDS)
def test_no_two_values_have_the_same_bytes(kind: str) -> None:
    """Equal bytes mean equal values, for any two of them."""

    @given(KINDS[kind], KINDS[kind])
    def check(one: object, other: object) -> None:
        encode = encoder(kind)
        assert (encode(one) == encode(other)) == (one == other)

    check()


@given(MAPS)
def test_the_order_of_a_map_means_nothing(found: dict[str, str]) -> None:
    """The store gives keys in any order."""
    encode = encoder("map")
    assert encode(list(found.items())[::-1]) == encode(found)
    assert encode({key.encode(): text for key, text in found.items()}) == encode(found)


@given(st.lists(st.tuples(TEXTS, TEXTS), min_size=2, max_size=6))
def test_netstrings_side_by_side_are_told_apart(pairs: list[tuple[str, str]]) -> None:
    """Text cannot move from one member to the next."""
    joined = b"".join(netstring(a.encode()) + netstring(b.encode()) for a, b in pairs)
    left: list[bytes] = []
    while joined:
        digits, _, rest = joined.partition(b":")
        end = int(digits)
        left.append(rest[:end])
        assert rest[end : end + 1] == b","
        joined = rest[end + 1 :]
    assert left == [text.encode() for pair in pairs for text in pair]


@given(st.floats())
def test_floats_are_their_bits(value: float) -> None:
    """Every NaN, both zeros, and what no text of digits would give back."""
    made = encoder("float?")(value)
    assert bytes.fromhex(made.decode()) == struct.pack(">d", value)
