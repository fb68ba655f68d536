"""Roles, actions, and what a caller may do."""

import pytest

from auditspan.identity.caller import Caller
from auditspan.identity.errors import NotPermitted
from auditspan.identity.principal import named_principal
from auditspan.identity.roles import ALLOWED, MEANING, Action, Role, actions_of

ANN = named_principal("person:ann", "api_key", "k1", "", 0)


def test_the_table_is_whole() -> None:
    """Each role and each action stands in it, and each action is explained."""
    assert set(ALLOWED) == set(Role)
    assert actions_of(Role) == frozenset(Action)
    assert set(MEANING) == set(Action)
    assert all(MEANING.values())


def test_reading_content_takes_reading() -> None:
    """Who may see the content may see the rest, and who sees who read what reads too."""
    for actions in ALLOWED.values():
        if {Action.READ_CONTENT, Action.READ_ACCESS, Action.REVIEW} & actions:
            assert Action.READ in actions


@pytest.mark.parametrize("sender", [Role.INGEST, Role.GATEWAY])
def test_a_sender_reads_nothing(sender: Role) -> None:
    """The key of an agent is in the agent's reach, and so in that of who injects a prompt."""
    assert ALLOWED[sender] == {Action.SEND}


def test_who_runs_the_collector_reads_no_record_and_approves_nothing() -> None:
    """Running it and being audited by it are apart."""
    assert not ALLOWED[Role.OPERATOR] & {
        Action.READ,
        Action.READ_CONTENT,
        Action.READ_ACCESS,
        Action.REVIEW,
        Action.APPROVE,
        Action.APPROVE_ERASURE,
    }


def test_a_caller_may_what_its_roles_allow_together() -> None:
    """And a caller without roles may nothing."""
    both = Caller(ANN, frozenset({Role.READER, Role.POLICY}))
    assert both.actions == ALLOWED[Role.READER] | ALLOWED[Role.POLICY]
    assert both.may(Action.APPROVE)
    assert not both.may(Action.KEYS)
    assert Caller(ANN).actions == frozenset()


def test_a_refusal_names_the_roles_that_would_do() -> None:
    """And those that the caller has."""
    with pytest.raises(NotPermitted) as refused:
        Caller(ANN, frozenset({Role.READER})).require(Action.PROPOSE)
    assert str(refused.value) == (
        "person:ann may not do registry.propose: it takes the role policy or operator, and has "
        "reader; see `auditspan whoami`"
    )
    with pytest.raises(NotPermitted, match="and has none"):
        Caller(ANN).require(Action.READ)
    Caller(ANN, frozenset({Role.POLICY})).require(Action.PROPOSE)
