"""Principals and credentials."""

import json

import pytest

from auditspan.identity.credentials import Credentials
from auditspan.identity.errors import CredentialRefused, IdentityError
from auditspan.identity.principal import (
    Principal,
    agent_principal,
    anonymous_principal,
    named_principal,
    operator_principal,
    relay_principal,
)

AGENT = agent_principal("booking", "api_key", "0011", "10.0.0.7", 1_800_000_000)


def test_a_principal_survives_its_text() -> None:
    """What is stamped into the spool is what the processor reads."""
    for principal in (
        AGENT,
        relay_principal("edge", "mtls", "ab", "::1", 0),
        anonymous_principal(""),
        named_principal("person:alice", "jwt", "sha256:ab", "::1", 7),
        named_principal("service:grafana", "mtls", "sha256:cd", "", 0),
        operator_principal("sha256:ef", "127.0.0.1"),
    ):
        assert Principal.from_json(principal.to_json()) == principal


def test_a_name_makes_the_principal_of_its_kind() -> None:
    """The same as the functions of that kind, and only agents speak for an agent."""
    assert named_principal("agent:booking", "api_key", "0011", "10.0.0.7", 1_800_000_000) == AGENT
    assert named_principal("relay:e", "mtls", "x", "", 0) == relay_principal(
        "e", "mtls", "x", "", 0
    )
    assert named_principal("service:g", "api_key", "x", "", 0).agent_id == ""


@pytest.mark.parametrize("name", ["operator", "operator:x", "anonymous", "person:", "", "alice"])
def test_no_other_name_makes_a_principal(name: str) -> None:
    """Nobody becomes the operator by what they are called."""
    with pytest.raises(ValueError, match="expected agent:<id>"):
        named_principal(name, "api_key", "x", "", 0)


def test_equal_principals_are_equal_texts() -> None:
    """The text is sorted and compact, so that distinct values can be found by comparing texts."""
    assert AGENT.to_json() == (
        '{"address":"10.0.0.7","agent_id":"booking","credential":"0011","expires_at":1800000000,'
        '"id":"agent:booking","kind":"agent","method":"api_key","tenant":""}'
    )


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "root"},
        {"method": "password"},
        {"agent_id": 7},
        {"expires_at": True},
        {"expires_at": "0"},
        {"more": 1},
        {"id": None},
    ],
)
def test_a_text_that_we_did_not_write_is_refused(change: dict[str, object]) -> None:
    """Every field has its type, every word is a known one, and there is no other field."""
    fields = {**json.loads(AGENT.to_json()), **change}
    with pytest.raises(CredentialRefused):
        Principal.from_json(json.dumps(fields))


@pytest.mark.parametrize("text", ["", "[]", "nul", "{}", "[" * 100_000])
def test_other_texts_are_refused(text: str) -> None:
    """No text makes it fail in another way."""
    with pytest.raises(IdentityError):
        Principal.from_json(text)


def test_the_scheme_is_bearer_in_any_case() -> None:
    """RFC 9110 §11.1: schemes are case-insensitive."""
    assert Credentials("bEaReR  abc ", None).bearer() == "abc"
    assert Credentials(None, None).bearer() is None


@pytest.mark.parametrize("header", ["", "abc", "Basic abc", "Bearer", "Bearer ", "Bearer a b"])
def test_another_scheme_is_refused(header: str) -> None:
    """A credential that is not understood never counts as none."""
    with pytest.raises(CredentialRefused):
        Credentials(header, None).bearer()


def test_credentials_do_not_show_themselves() -> None:
    """A log line with the object holds no secret."""
    shown = repr(Credentials("Bearer s3cret", b"der", "::1"))
    assert "s3cret" not in shown
    assert "der" not in shown
