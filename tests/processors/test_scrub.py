"""Secrets in texts. The examples are put together here, so that none stands in this file."""

import json

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditspan.processors.scrub import put, scrub, scrub_text, suspects, suspects_of_repeated
from auditspan.processors.secrets import Secrets

SECRETS = Secrets.standard()
JWT = "eyJ" + "hbGciOiJIUzI1NiJ9.eyJ" + "zdWIiOiIxMjM0NTY3ODkwIn0." + "dozjgNryP4J3jVmNHl0w5N"
SHAPES = {
    "jwt": JWT,
    "pem": "-----BEGIN RSA " + "PRIVATE KEY-----\nMIIE\nAA==\n-----END RSA " + "PRIVATE KEY-----",
    "aws": "AKIA" + "IOSFODNN7EXAMPLE",
    "google": "AIza" + "SyA" + "b" * 32,
    "github": "ghp_" + "a1" * 18,
    "gitlab": "glpat-" + "x" * 20,
    "slack": "xoxb-" + "123456789012-abcdef",
    "openai": "sk-" + "proj-" + "Ab1" * 12,
    "stripe": "sk_" + "live_" + "4eC39HqLyjWDarjtT1zdp7dc",
    "npm": "npm_" + "a" * 36,
    "bearer": "Bearer " + "abcdefghij0123456789==",
    "url": "postgres" + "://admin:hunter2@",
}
NO_SECRETS = [
    "",
    "eyJ alone, -----BEGIN CERTIFICATE-----, AKIA, sk-short, Bearer of bad news",
    '{"max_tokens": 5, "next_page_token": "abc", "passenger": "Mia Li", "tokens": [1]}',
    '{"password": "", "secret": null}',
    "the token is in the safe; see https://user.example/a:b@c",
    '{"text": "na\\u00efve \\u0026 true"}',
]


def test_every_shape_has_an_example() -> None:
    """A shape without an example would be untested."""
    assert set(SHAPES) == {shape.name for shape in SECRETS.shapes}


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize(
    "around", ["{}", "before {} after", '{{"a": ["{}", 1]}}', '{{"text": "{{\\"x\\": \\"{}\\"}}"}}']
)
def test_a_shape_is_removed_wherever_it_stands(name: str, around: str) -> None:
    """The value goes, the word for it stays, and JSON stays JSON."""
    secret = SHAPES[name]
    inner = json.dumps(secret)[1:-1] if around != "{}" and around[0] == "{" else secret
    text = scrub_text(around.format(inner), SECRETS)
    assert secret not in text
    assert inner not in text
    assert f"[redacted:{name}]" in text
    if around.startswith("{{"):
        json.loads(text)


@pytest.mark.parametrize("name", sorted(SECRETS.keys.exact))
def test_the_value_of_a_credential_name_is_removed(name: str) -> None:
    """Whatever the value is, in any spelling of the name."""
    camel = "".join(part.title() for part in name.split("_"))
    value: object
    for value in ("v4lue", {"deep": "v4lue"}, ["v4lue"], 12345):
        for key in (name, name.upper(), name.replace("_", "-"), f"user.{name}", camel):
            text = scrub_text(json.dumps({"a": {key: value}, "b": 1}), SECRETS)
            assert json.loads(text) == {"a": {key: "[redacted]"}, "b": 1}, key


@pytest.mark.parametrize("ending", SECRETS.keys.endings)
def test_endings_of_names_count(ending: str) -> None:
    """A prefix does not hide a credential."""
    text = scrub_text(json.dumps({"my" + ending: "v4lue"}), SECRETS)
    assert json.loads(text) == {"my" + ending: "[redacted]"}


@pytest.mark.parametrize("name", sorted(SECRETS.keys.exceptions))
def test_names_that_only_look_like_one(name: str) -> None:
    """An exception is left alone."""
    text = json.dumps({f"time_to{name}" if name.startswith("_") else name: "v4lue"})
    assert scrub_text(text, SECRETS) == text


@pytest.mark.parametrize("text", NO_SECRETS)
def test_a_text_without_a_secret_is_not_touched(text: str) -> None:
    """Not even its white space or its escapes."""
    assert json.dumps(scrub_text(text, SECRETS)) == json.dumps(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("login with password=hunter2 now", "login with password=[redacted] now"),
        ("api_key: 'abc def' rest", "api_key: [redacted] rest"),
        ('{"password": "hunter2", broken', '{"password": [redacted], broken'),
        (
            '{"password": "hunter2", "password": ""}',
            '{"password": [redacted], "password": [redacted]}',
        ),
        ("x-auth-token: abc; other", "x-auth-token: [redacted]; other"),
    ],
)
def test_names_inside_prose(text: str, expected: str) -> None:
    """What is no JSON is read as name, sign and value."""
    assert scrub_text(text, SECRETS) == expected


@pytest.mark.parametrize(
    "text",
    [
        '{"p\\u0061ssword": "hunter2"}',
        '{"a": "\\u0061pi", "b": "' + JWT.replace("e", "\\u0065", 1) + '"}',
    ],
)
def test_escapes_hide_nothing(text: str) -> None:
    """A name or value spelled with escapes is found all the same."""
    cleaned = scrub_text(text, SECRETS)
    assert "redacted" in cleaned
    assert "hunter2" not in json.loads(cleaned).values()


def test_json_in_json_in_json_is_walked() -> None:
    """Arguments often travel as a string of JSON in messages that are JSON themselves."""
    inner = json.dumps({"password": {"deep": "hunter2"}})
    text = json.dumps([{"role": "assistant", "tool_calls": [{"arguments": inner}]}])
    cleaned = scrub_text(text, SECRETS)
    assert "hunter2" not in cleaned
    [message] = json.loads(cleaned)
    assert json.loads(message["tool_calls"][0]["arguments"]) == {"password": "[redacted]"}


@pytest.mark.parametrize(
    "text",
    [
        '{"password":' + "[" * 50_000,
        "[" * 50_000 + '"password: x"',
        '{"token": 1' + "0" * 5000 + "}",
        '{"password": 1e999, "x": 1e999}',
        '{"password": "\\ud800", "x": "\\ud800"}',
        "eyJ" * 100_000,
        "://:" * 100_000,
    ],
)
def test_hostile_texts_stop_nothing(text: str) -> None:
    """Deep, huge, not finite or half a character: it ends, in text that can be stored."""
    scrub_text(text, SECRETS).encode()


@given(st.lists(st.text(), max_size=8), st.sets(st.integers(0, 7)))
def test_only_texts_with_a_secret_change(texts: list[str], secret: set[int]) -> None:
    """Among any texts, exactly those with a secret are changed, each with its count."""
    texts = ["".join(c for c in text if c not in ":=\\") for text in texts]
    mixed = [text + " " + JWT if n in secret else text for n, text in enumerate(texts)]
    found = scrub(pa.array(mixed, pa.string()), SECRETS)
    changed = [n for n in range(len(texts)) if n in secret]
    assert found.places.tolist() == changed
    assert found.counts.tolist() == [1] * len(changed)
    assert put(pa.array(mixed, pa.string()), found).to_pylist() == [
        text + " [redacted:jwt]" if n in secret else text for n, text in enumerate(texts)
    ]


@given(st.lists(st.sampled_from(["", "plain", "password=abc", "AKIA" + "IOSFODNN7EXAMPLE"])))
def test_repeated_texts_are_suspected_like_all_others(texts: list[str]) -> None:
    """Looking at each distinct text once finds the same places as looking at every text."""
    column = pa.array(texts, pa.string())
    found = suspects_of_repeated(column, SECRETS).tolist()
    assert found == suspects(column, SECRETS).tolist()
    assert found == [text not in ("", "plain") for text in texts]
