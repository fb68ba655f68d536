"""`auditspan show principal` and `show controls`: who has which role, and who may change that."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Auditspan
from tests.collector.access.house import ALICE, House


@pytest.fixture
def house(tmp_path: Path) -> House:
    """A data folder with a registry in force."""
    made = House(tmp_path)
    made.apply()
    return made


def test_principals_are_listed_with_their_roles(house: House, auditspan: Auditspan) -> None:
    """All of them, the disabled too, for people and for machines."""
    ran = auditspan("show", "principal", "--data", house.data.root)
    assert ran.code == 0, ran.err
    for word in ("person:alice", "policy, reader", "service:grafana", "person:carol"):
        assert word in ran.out
    text = auditspan("show", "principal", "--data", house.data.root, "--format", "json").out
    found = {row["id"]: row for row in json.loads(text)}
    assert found["person:carol"]["disabled"] is True
    assert found["service:edge"]["roles"] == ["gateway"]
    assert found["person:alice"]["credentials"]["jwt"] == [
        {"issuer": "https://id.example", "subject": "alice-1"}
    ]


def test_one_is_shown_with_what_it_may_and_what_proves_it(
    house: House, auditspan: Auditspan
) -> None:
    """Actions by the table that everything asks; a typing error names the nearest."""
    shown = auditspan("show", "principal", "person:alice", "--data", house.data.root).out
    for line in (
        "person:alice Alice",
        "e-mail: alice@example.com",
        "roles: policy, reader",
        "may registry.approve",
        "may records.read",
        "tokens of https://id.example with the subject alice-1",
        "client certificates of spiffe://example.org/people/alice",
    ):
        assert line in shown
    assert "read_content" not in shown
    disabled = auditspan("show", "principal", "person:carol", "--data", house.data.root).out
    assert "disabled: it may do nothing" in disabled
    ran = auditspan("show", "principal", "person:alise", "--data", house.data.root)
    assert (ran.code, "did you mean 'person:alice'?" in ran.err) == (2, True)


def test_the_controls_name_who_may_approve(house: House, auditspan: Auditspan) -> None:
    """And what the operator's token stands for meanwhile."""
    asked = ("show", "controls", "--data", house.data.root, "--format", "json")
    assert json.loads(auditspan(*asked).out) == [
        {
            "single_operator": False,
            "approvers": ["person:alice", "person:bob"],
            "operator_token": "2 principals have the role policy: this token only operates",
        }
    ]
    house.apply(controls="single_operator: true")
    [row] = json.loads(auditspan(*asked).out)
    assert row["single_operator"] is True
    assert row["operator_token"].startswith("single operator:")


def test_a_name_cannot_steer_the_terminal(house: House, auditspan: Auditspan) -> None:
    """It is shown as an escape."""
    house.apply(principals__alice=ALICE.replace("name: Alice", "name: 'A\u202ez'"))
    for words in (("person:alice",), ()):
        out = auditspan("show", "principal", *words, "--data", house.data.root).out
        assert "\u202e" not in out
        assert "\\u202e" in out
