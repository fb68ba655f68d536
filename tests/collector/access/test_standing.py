"""What the operator's token stands for."""

import pytest

from auditspan.collector.access.standing import PERSON_ROLES, standing
from auditspan.identity.roles import Action, Role, actions_of
from auditspan.registry import Bundle, Registry

TWO = "[{id: 'person:a', name: A, roles: policy}, {id: 'person:b', name: B, roles: policy}]"


def registry(**files: str) -> Registry:
    """A registry of these files, `__` standing for `/`."""
    return Bundle(
        {name.replace("__", "/") + ".yaml": text for name, text in files.items()}
    ).registry()


@pytest.mark.parametrize(
    ("files", "alone", "why"),
    [
        (None, True, "no registry is in force: this token stands for all roles"),
        ({}, True, "bootstrap: 0 of at least 2 principals have the role policy"),
        (
            {"principals__p": "{id: 'person:a', name: A, roles: policy}"},
            True,
            "bootstrap: 1 of at least 2 principals have the role policy",
        ),
        ({"principals__p": TWO}, False, "2 principals have the role policy"),
        (
            {"principals__p": TWO, "controls": "single_operator: true"},
            True,
            "single operator: this token stands for all roles",
        ),
    ],
)
def test_it_stands_for_all_until_two_can_approve(
    files: dict[str, str] | None, alone: bool, why: str
) -> None:
    """And it says why."""
    found = standing(None if files is None else registry(**files))
    assert found.alone is alone
    assert found.why.startswith(why)
    assert found.roles == (PERSON_ROLES if alone else {Role.OPERATOR})


def test_all_roles_of_a_person_do_everything_but_send() -> None:
    """A single operator is locked out of nothing, and forges no record."""
    assert actions_of(PERSON_ROLES) == frozenset(Action) - {Action.SEND}
