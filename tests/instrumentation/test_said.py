"""Attributes that are encoded once are what they would be if they were encoded every time."""

from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from opentelemetry.util.types import AttributeValue

from auditspan.instrumentation.otlp_fields import attributes
from auditspan.instrumentation.said import NOTHING, Alike, Said

KEYS = st.sampled_from(["a", "b", "c", "d", "e"])
VALUES = st.text() | st.integers(0, 9) | st.booleans() | st.tuples(st.text(), st.text())
STEPS = st.lists(st.none() | st.tuples(KEYS, VALUES), max_size=12)
"""What is said one after the other; None is where all is encoded."""


def told(encoded: bytes | None) -> list[tuple[str, object]]:
    """Keys and values in a collector's eyes."""
    assert encoded is not None
    found = Span.FromString(encoded).attributes
    return [(each.key, each.value) for each in found]


@given(st.dictionaries(KEYS, VALUES), STEPS)
def test_each_is_told_once_with_its_last_value(
    alike: dict[str, AttributeValue], steps: list[tuple[str, AttributeValue] | None]
) -> None:
    """Whatever is said before and after it was encoded, and whatever many spans have alike."""
    said, expected = Said(Alike.of({**alike}), {}), {**alike}
    for step in steps:
        if step is None:
            said.encode()
        else:
            said.set(*step)
            expected.pop(step[0], None)
            expected[step[0]] = step[1]
    assert said.values() == expected
    found = told(said.encode())
    assert sorted(found, key=str) == sorted(told(attributes(expected)), key=str)
    assert said.encode() == said.encode()


@given(st.booleans(), st.booleans())
def test_one_that_is_nested_is_left_to_another_encoder(early: bool, unsaid: bool) -> None:
    """Before or after it was encoded; once it is replaced by a plain one, no more."""
    said = Said(Alike.of({"nested": (1, 2)}), {}) if early else Said(NOTHING, {"a": "b"})
    if not early:
        assert said.encode() is not None
        said.set("nested", (1, 2))
    assert said.encode() is None
    if unsaid:
        said.set("nested", "plain")
        assert ("nested", "plain") in said.values().items()
        assert len(told(said.encode())) == len(said.values())


def test_what_spans_have_alike_is_theirs_alone() -> None:
    """One that says something else changes nothing for the others."""
    alike = Alike.of({"tool": "read"})
    one, other = Said(alike, {}), Said(alike, {"n": 1})
    one.set("tool", "write")
    assert (one.values(), other.values()) == ({"tool": "write"}, {"tool": "read", "n": 1})
    assert dict(told(other.encode())).keys() == {"tool", "n"}
