"""YAML is read as plain values, and what is dangerous or doubtful is refused with its place."""

import pytest

from auditspan.registry.documents import MAX_DEPTH, read


def refusal(text: str) -> str:
    """The one problem of a text."""
    _, [problem] = read("f.yaml", text)
    return str(problem)


def test_words_and_numbers_are_what_they_look_like() -> None:
    """`no`, `12:30`, dates and quoted values stay text; only plain numbers and booleans convert."""
    text = "a: no\nb: 12:30\nc: 2026-01-01\nd: '7'\ne: 7\nf: -1.5e3\ng: true\nh: ~\ni: 0o17\n"
    [document], problems = read("f.yaml", text)
    assert problems == []
    assert document.value == {
        "a": "no",
        "b": "12:30",
        "c": "2026-01-01",
        "d": "7",
        "e": 7,
        "f": -1500.0,
        "g": True,
        "h": None,
        "i": "0o17",
    }


def test_places_are_those_of_the_keys() -> None:
    """A path finds its line; what is not written is placed at its nearest ancestor."""
    [document], _ = read("f.yaml", "a: 1\nb:\n  - c: 2\n")
    assert (document.problem(("b", 0, "c"), "x").line, document.problem(("z",), "x").line) == (3, 1)
    assert str(document.problem(("b", 0, "d"), "x")) == "f.yaml:3:5: b[0].d: x"


def test_empty_documents_are_nothing() -> None:
    """A file of comments or separators holds no entry."""
    assert read("f.yaml", "# nothing\n") == ([], [])
    assert read("f.yaml", "---\n---\n") == ([], [])


def test_a_key_written_twice_is_refused() -> None:
    """YAML parsers disagree on which one wins."""
    assert refusal("a: 1\nb: 2\na: 3\n") == (
        "f.yaml:3:1: the key 'a' is written twice, first on line 1; keep one"
    )


def test_keys_are_text() -> None:
    """A number, a truth value or a list as key is refused."""
    for text in ("1: x", "true: x", "[a]: x", "? {a: b}\n: x"):
        assert "a key must be text" in refusal(text)


def test_tags_are_refused() -> None:
    """No tag can make the reader build anything."""
    for text in ("a: !!python/object/apply:os.system ['id']", "a: !!int '3'", "a: !x {b: c}"):
        assert "is not allowed" in refusal(text)


def test_aliases_may_not_blow_up() -> None:
    """A few bytes that would become billions of values are stopped."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    assert "aliases count each time" in refusal("\n".join(lines))


def test_depth_is_limited_before_anything_recurses() -> None:
    """Nesting that would exhaust the stack is refused, on the deepest allowed level it is not."""
    assert "nested deeper" in refusal("a: " + "[" * 500 + "]" * 500)
    depth = MAX_DEPTH - 2
    assert read("f.yaml", "a: " + "[" * depth + "]" * depth)[1] == []


def test_an_alias_to_itself_is_refused() -> None:
    """A value that contains itself has no end."""
    assert "levels" in refusal("a: &a [*a]")


@pytest.mark.parametrize("text", ["a: [", "a: b: c", "\ta: 1", "a: *nothing", "a: 'x", "\x00"])
def test_what_is_no_yaml_says_where(text: str) -> None:
    """A syntax error is one problem in our words, and never an exception."""
    assert refusal(text).startswith("f.yaml")
    assert "is not YAML" in refusal(text)
