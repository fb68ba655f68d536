"""Signed objects taken apart, and JSON with one reading."""

import pytest

from auditspan.identity import jws
from auditspan.identity.strict_json import loads_object


def test_bytes_survive_their_spelling() -> None:
    """Unpadded, in the alphabet for URLs."""
    for data in (b"", b"a", b"ab", b"abc", b"\xff\xfe\xfd", bytes(range(256))):
        assert jws.decode(jws.encode(data)) == data
    assert jws.encode(b"\xfb\xff") == "-_8"


@pytest.mark.parametrize("segment", ["-_8=", "+/8", "-_9", "-_8\n", "a", "-_8!", "é", " -_8"])
def test_another_spelling_of_the_same_bytes_is_refused(segment: str) -> None:
    """So that a signed text cannot be varied without its signature noticing."""
    with pytest.raises(ValueError, match="base64url"):
        jws.decode(segment)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "1",
        '{"a": 1, "a": 1}',
        '{"a": {"b": 1, "b": 2}}',
        '{"a": NaN}',
        '{"a": -Infinity}',
        '{"a": 1} x',
        "{'a': 1}",
        "[" * 100_000,
        b"\xff\xfe",
    ],
)
def test_json_has_one_reading(text: str | bytes) -> None:
    """What two parsers could read differently is refused."""
    with pytest.raises(ValueError, match=r".+"):
        loads_object(text)


def test_an_object_is_read() -> None:
    """As usual."""
    assert loads_object(b'{"a": [1, null], "b": {"c": "\\u00e4"}}') == {
        "a": [1, None],
        "b": {"c": "ä"},
    }
