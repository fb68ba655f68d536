"""Any value as JSON text."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum, IntEnum
from pathlib import Path
from typing import Never

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from auditspan.instrumentation.capture import CUT, cut, json_text, words


class Colour(Enum):
    RED = "red"


class Level(IntEnum):
    HIGH = 3


@dataclass
class Point:
    x: int
    label: str = "p"


class Model(BaseModel):
    when: datetime


class Rude:
    def __repr__(self) -> str:
        raise RuntimeError("no")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"a": [1, None, True, "ü"]}, '{"a":[1,null,true,"ü"]}'),
        (float("nan"), '"nan"'),
        ({"x": float("inf")}, '{"x":"inf"}'),
        ((1, {2}), "[1,[2]]"),
        (b"\x00\xff", '"AP8="'),
        (Point(1), '{"x":1,"label":"p"}'),
        (Model(when=datetime(2026, 1, 2, tzinfo=UTC)), '{"when":"2026-01-02T00:00:00Z"}'),
        ({Colour.RED: Level.HIGH}, '{"red":3}'),
        ([Decimal("1.10"), Path("/a")], '["1.10","/a"]'),
        ({1: 2, None: 3}, '{"1":2,"null":3}'),
        (Rude(), '"<Rude>"'),
        ("\ud800", '"?"'),
    ],
)
def test_values_become_json(value: object, text: str) -> None:
    """Each in its obvious form."""
    assert json_text(value) == text


def test_what_contains_itself_ends() -> None:
    """Loops and depths are cut."""
    loop: list[object] = []
    loop.append(loop)
    assert CUT in json_text(loop)
    deep: object = 1
    for _ in range(100_000):
        deep = [deep]
    assert CUT in json_text(deep)


@given(st.recursive(st.none() | st.text() | st.floats() | st.binary(), st.lists, max_leaves=8))
def test_the_text_is_json(value: object) -> None:
    """Whatever goes in."""
    json.loads(json_text(value), parse_constant=pytest.fail)


@given(st.text(), st.integers(3, 40))
def test_long_texts_are_cut(text: str, limit: int) -> None:
    """To so many bytes, with a mark, and never within a character."""
    short = cut(text, limit)
    assert len(short.encode()) <= limit
    assert short == text or (short.endswith(CUT) and text.startswith(short[: -len(CUT)]))


def test_parts_that_stand_in_it_again_and_again_are_written_within_bounds() -> None:
    """As aliases of YAML make them: a few bytes that would be written out as terabytes."""
    loop: list[object] = []
    loop += [loop, loop, {"again": loop}]
    laughs: object = ["ha"]
    for _ in range(60):
        laughs = [laughs, laughs]
    for value in (loop, laughs, {"deep": laughs, 1j: 0}, [[1] * 100_000] * 100_000):
        assert CUT in json_text(value)
    shared = {"a": 1}
    assert json_text([shared, shared, (), ()]) == '[{"a":1},{"a":1},[],[]]'


def test_numbers_of_any_length_are_written() -> None:
    """Python refuses to write long ones in decimals."""
    assert json_text({"n": 10**5000}) == f'{{"n":"{hex(10**5000)}"}}'
    assert json_text({"n": 10**400}) == f'{{"n":{10**400}}}'


def test_a_mapping_that_fails_is_told_by_its_name() -> None:
    """A dictionary of the host that is none."""

    class Broken(dict[str, int]):
        def items(self) -> Never:
            raise AttributeError("gone")

    assert json_text({"a": Broken(b=1)}) == '{"a":"<Broken>"}'


def test_an_exception_says_what_it_can() -> None:
    """Or its name."""
    assert words(ValueError("v")) == "v"
    assert words(Silent()) == "<Silent>"


class Silent(Exception):
    def __str__(self) -> str:
        raise RuntimeError
