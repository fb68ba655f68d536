"""When two persons are needed, and who counts as another one."""

from pathlib import Path

import pytest

from auditspan.collector.access.standing import standing
from auditspan.collector.control.errors import ControlForbidden, ControlInvalid
from auditspan.collector.control.records import Party
from auditspan.collector.control.two_persons import (
    check_another,
    held_by,
    leaves_somebody,
    mode_of,
    require,
)
from auditspan.identity.api_keys import ApiKey, ApiKeys
from auditspan.identity.caller import Caller
from auditspan.identity.principal import named_principal
from auditspan.identity.roles import Action, Role
from auditspan.registry import Bundle
from tests.collector.control.bundles import PEOPLE, bundle, two_persons
from tests.collector.control.callers import ALICE, BOB, CAROL, OPERATOR, caller

LONELY = Bundle({"principals/p.yaml": PEOPLE.replace("Bob, roles: policy", "Bob")})
BOTH = Bundle({**two_persons().files, "controls.yaml": "single_operator: true"})
ASKED = Party(principal="person:alice", method="api_key", credential="ka")


@pytest.mark.parametrize(
    ("texts", "mode"),
    [
        (None, "bootstrap"),
        (Bundle({}), "bootstrap"),
        (LONELY, "bootstrap"),
        (bundle(), "single_operator"),
        (BOTH, "single_operator"),
        (two_persons(), "two_persons"),
    ],
)
def test_how_a_change_is_decided(texts: Bundle | None, mode: str) -> None:
    """The operator's token stands for all roles exactly where two persons are not needed."""
    registry = texts.registry() if texts else None
    assert mode_of(registry) == mode
    assert standing(registry).alone == (mode != "two_persons")
    if registry and mode == "bootstrap":
        with pytest.raises(ControlInvalid, match=r"single_operator: true"):
            leaves_somebody(registry)
    elif registry:
        assert leaves_somebody(registry) is registry


def test_a_token_is_another_proof_than_a_key() -> None:
    """Nobody issued it here, so nobody here has seen it; its holder still counts once."""
    token = Caller(named_principal("person:bob", "jwt", "t1", "", 0), frozenset({Role.POLICY}))
    check_another(token, ASKED, ())
    own = Caller(named_principal("person:alice", "jwt", "t2", "", 0), frozenset({Role.POLICY}))
    with pytest.raises(ControlForbidden, match="person:alice asked for this change"):
        check_another(own, ASKED, ())


def test_what_a_requester_could_act_as(tmp_path: Path) -> None:
    """Whose keys it issued, and whose keys those issued, in any order and in circles."""
    keys = ApiKeys(tmp_path / "k.json")
    for holder, issuer in (
        ("service:b", "service:a"),
        ("service:a", "person:alice"),
        ("person:alice", "service:b"),
        ("person:bob", "operator"),
        ("agent:x", ""),
    ):
        keys.issue(holder, expires_at=2**40, issued_by=issuer)
    assert held_by("person:alice", keys.list()) == {"person:alice", "service:a", "service:b"}
    assert held_by("operator", keys.list()) == {"operator", "person:bob"}
    assert held_by("person:nobody", keys.list()) == {"person:nobody"}
    assert held_by("", keys.list()) == {""}


def test_a_revoked_key_was_seen_all_the_same() -> None:
    """What the requester issued and ended may have issued others meanwhile."""
    ended = ApiKey("1", "service:a", "d", 1, 2, 3, "", "person:alice")
    with pytest.raises(ControlForbidden, match="issued by service:a"):
        check_another(caller("person:bob", Role.POLICY, issued_by="service:a"), ASKED, (ended,))


def test_one_action_of_several_is_enough() -> None:
    """The refusal names the roles for the first."""
    require(ALICE, Action.APPROVE_ERASURE, Action.APPROVE)
    with pytest.raises(ControlForbidden, match=r"erasures\.approve: it takes the role privacy"):
        require(CAROL, Action.APPROVE_ERASURE, Action.APPROVE)
    for who in (ALICE, BOB):
        require(who, Action.PROPOSE)
    with pytest.raises(ControlForbidden):
        require(OPERATOR, Action.READ)
