"""Whoever had a part in a record does not review it."""

from pathlib import Path
from typing import Any

import pytest

from auditspan.collector.control.errors import ControlForbidden
from auditspan.collector.control.independence import check_independent
from auditspan.collector.query.lookups import RecordFacts
from auditspan.identity.api_keys import ApiKeys
from auditspan.identity.caller import Caller
from auditspan.identity.principal import named_principal
from auditspan.registry import Registry
from tests.collector.control.callers import ALONE
from tests.collector.control.human import FACTS, IVAN, OLGA, TOM, owned, person

REGISTRY = owned().registry()


def facts(**changed: Any) -> RecordFacts:
    """A record of the agent helper for bob."""
    known: dict[str, Any] = {**FACTS, **changed}
    return RecordFacts(**{**known, "delegation_chain": tuple(known["delegation_chain"])})


def refusal(caller: Caller, about: RecordFacts, registry: Registry | None = REGISTRY) -> str:
    """Why they may not, empty if they may."""
    try:
        check_independent(caller, about, registry, ())
    except ControlForbidden as error:
        return str(error)
    return ""


def test_somebody_without_a_part_may() -> None:
    """Also the grantor, and somebody whose name only begins like the user's."""
    assert refusal(IVAN, facts()) == ""
    assert refusal(person("person:boss"), facts()) == ""
    assert refusal(person("person:bobby", email="bob@example.org.evil"), facts()) == ""


@pytest.mark.parametrize(
    ("changed", "part"),
    [
        ({"user_id": "ivan"}, "the user whom the agent acted for"),
        ({"user_id": "person:ivan"}, "the user whom the agent acted for"),
        ({"user_id": "IVAN@example.org"}, "the user whom the agent acted for"),
        ({"user_id": "u-17", "user_email": "Ivan@Example.org"}, "the user"),
        ({"delegation_chain": ["robot", "ivan"]}, "in the delegation"),
        ({"principal_id": "person:ivan"}, "who sent it"),
        ({"approver": "ivan@example.org"}, "who approved the act"),
        ({"agent_owner": "ivan"}, "the agent's owner"),
        ({"agent_owner_email": "ivan@example.org"}, "the agent's owner"),
        ({"kind": "control", "user_id": "person:ivan"}, "who asked for it"),
        ({"kind": "control", "approved_by": "person:ivan"}, "who consented to it"),
    ],
)
def test_whoever_had_a_part_may_not(changed: dict[str, Any], part: str) -> None:
    """By id with and without its kind, and by e-mail, whatever the case."""
    said = refusal(IVAN, facts(**changed))
    assert part in said
    assert "r1" in said
    assert refusal(TOM, facts(**changed)) == ""


def test_the_owner_of_today_may_not_either() -> None:
    """The record names a team, the registry in force her address."""
    assert "the agent's owner" in refusal(OLGA, facts())
    assert refusal(OLGA, facts(agent_id="other")) == ""
    assert refusal(OLGA, facts(), None) == ""


def test_a_subject_of_a_token_is_the_person_it_is_bound_to() -> None:
    """Records of agents name users as their identity provider does."""
    assert "the user" in refusal(TOM, facts(user_id="00u7"))
    assert "the user" in refusal(TOM, facts(user_id="t", user_subject="00u7"))


def test_nothing_matches_nobody() -> None:
    """A record without names has no part for a caller without an e-mail."""
    nameless = facts(user_id="", user_email="", agent_owner="", principal_id="")
    assert refusal(TOM, nameless) == ""
    assert refusal(ALONE, nameless) == ""


def test_nobody_reviews_with_a_key_that_a_part_has_seen(tmp_path: Path) -> None:
    """Directly, and over the key of somebody else."""
    keys = ApiKeys(tmp_path / "keys.json")
    about = facts(user_id="OLGA@example.org")
    seen = person("person:ivan", email="ivan@example.org", issued_by="person:olga")
    with pytest.raises(ControlForbidden, match="issued by person:olga"):
        check_independent(seen, about, REGISTRY, keys.list())
    keys.issue("person:boss", expires_at=2**40, issued_by="person:olga")
    through = person("person:ivan", email="ivan@example.org", issued_by="person:boss")
    with pytest.raises(ControlForbidden, match="could have seen it"):
        check_independent(through, about, REGISTRY, keys.list())
    check_independent(through, about, REGISTRY, ())
    check_independent(IVAN, about, REGISTRY, keys.list())


def test_a_claim_keeps_away_whom_it_names_and_nobody_else(tmp_path: Path) -> None:
    """An agent that claims to act for the issuer of all keys does not get out of its review."""
    keys = ApiKeys(tmp_path / "keys.json")
    for said in ({"user_id": "operator"}, {"user_id": "person:pia"}, {"approver": "operator"}):
        about = facts(**{"user_provenance": "claimed", **said})
        for issuer in ("operator", "person:pia"):
            check_independent(person("person:ivan", issued_by=issuer), about, REGISTRY, keys.list())
    claimed = facts(user_provenance="claimed", user_id="ivan")
    assert "the user whom the agent acted for" in refusal(IVAN, claimed)


def test_a_key_that_does_not_say_who_issued_it_reviews_nothing() -> None:
    """Anybody could have seen it; a token of an identity provider is nobody else's."""
    assert "does not say who issued it" in refusal(person("person:ivan", issued_by=""), facts())
    token = Caller(named_principal("person:ivan", "jwt", "t", "127.0.0.1", 0))
    assert refusal(token, facts()) == ""
