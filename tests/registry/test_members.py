"""Persons, services and the rules of changing: read strictly, and nothing proves two of them."""

from pathlib import Path
from typing import get_args

import pytest

from auditspan.identity.roles import Role
from auditspan.registry import Bundle, BundleInvalid, ControlsPolicy, Registry
from auditspan.registry.diff import compare
from auditspan.registry.members import RoleName

ALICE = """\
id: person:alice
name: Alice Archer
email: alice@example.com
roles: [policy, reader]
credentials:
  jwt: [{issuer: https://idp.example, subject: "248289761001"}]
  spiffe: [spiffe://example.org/people/alice]
"""
GRAFANA = "id: service:grafana\nname: Grafana\nroles: reader\n"
AGENT = "{id: a, name: A, owner: o, purpose: p, risk_tier: low}"


def read(**files: str) -> Registry:
    """A registry of these files, written `folder__name`."""
    return Bundle(
        {name.replace("__", "/") + ".yaml": text for name, text in files.items()}
    ).registry()


def wrong(**files: str) -> list[str]:
    """What is wrong with these files."""
    with pytest.raises(BundleInvalid) as caught:
        read(**files)
    return [str(problem) for problem in caught.value.problems]


def test_persons_and_services_are_read() -> None:
    """They stand in the registry by id with what proves them; one role needs no list."""
    registry = read(principals__people=ALICE + "---\n" + GRAFANA)
    assert list(registry.principals) == ["person:alice", "service:grafana"]
    alice = registry.principals["person:alice"]
    assert (alice.name, alice.email, alice.roles) == (
        "Alice Archer",
        "alice@example.com",
        ("policy", "reader"),
    )
    assert alice.credentials.jwt[0].subject == "248289761001"
    assert alice.credentials.spiffe == ("spiffe://example.org/people/alice",)
    assert registry.principals["service:grafana"].roles == ("reader",)


def test_nobody_has_a_role_unless_it_is_written() -> None:
    """Least privilege is the default."""
    registry = read(principals__a="{id: 'person:a', name: A}")
    assert registry.principals["person:a"].roles == ()
    assert registry.approvers() == ()


def test_the_roles_are_those_that_are_enforced() -> None:
    """A word that the registry takes is one that identity knows, and the other way round."""
    assert set(get_args(RoleName)) == set(Role)


def test_a_misspelt_role_is_refused_with_the_nearest_one() -> None:
    """A typing error must not silently be no role."""
    assert wrong(principals__a=ALICE.replace("policy", "polcy")) == [
        "principals/a.yaml:4:9: roles[0]: is 'polcy'; did you mean 'policy'?"
    ]


@pytest.mark.parametrize(
    "name", ["alice", "agent:alice", "relay:x", "operator", "person:", "person:a b", "person:a:b"]
)
def test_an_id_says_what_it_is(name: str) -> None:
    """An id that could be taken for an agent's, a relay's or the operator's is refused."""
    [problem] = wrong(principals__a=f"{{id: {name!r}, name: A}}")
    assert problem.startswith("principals/a.yaml:1:2: id: ")


@pytest.mark.parametrize("role", ["ingest", "gateway"])
def test_a_person_cannot_be_a_sender(role: str) -> None:
    """Records come from processes; a role that the receivers would refuse is not given."""
    assert wrong(principals__a=f"{{id: 'person:a', name: A, roles: [reader, {role}]}}") == [
        f"principals/a.yaml:1:1: roles: a person cannot have {role!r}, records come from agents, "
        "relays and services; make it a service:<id>"
    ]
    assert read(principals__a=f"{{id: 'service:a', name: A, roles: {role}}}").principals


def test_an_id_stands_once() -> None:
    """Two files cannot each say who alice is."""
    assert wrong(principals__a=ALICE, principals__b="{id: 'person:alice', name: Other}") == [
        "principals/b.yaml:1:2: id: 'person:alice' is already in principals/a.yaml:1; rename one"
    ]


def test_a_credential_proves_one_of_all() -> None:
    """Neither two persons nor a person and an agent may share one."""
    twin = ALICE.replace("person:alice", "person:eve")
    agent = AGENT[:-1] + ", credentials: {spiffe: spiffe://example.org/people/alice}}"
    assert wrong(principals__a=ALICE, principals__b=twin) == [
        "principals/b.yaml:6:9: credentials.jwt[0]: already proves the principal 'person:alice'; "
        "use another",
        "principals/b.yaml:7:12: credentials.spiffe[0]: already proves the principal "
        "'person:alice'; use another",
    ]
    [problem] = wrong(agents__a=agent, principals__a=ALICE)
    assert "already proves the agent 'a'; use another" in problem


def test_the_same_subject_of_another_issuer_is_somebody_else() -> None:
    """Subjects are unique inside their issuer only."""
    other = ALICE.replace("person:alice", "person:bob").replace("https://idp.", "https://sso.")
    other = other.replace("people/alice", "people/bob")
    assert len(read(principals__a=ALICE, principals__b=other).principals) == 2


def test_approvers_are_those_with_the_role_policy() -> None:
    """A disabled person counts no more, and no other role approves."""
    people = """\
- {id: 'person:a', name: A, roles: policy}
- {id: 'person:b', name: B, roles: [policy], disabled: true}
- {id: 'person:c', name: C, roles: [operator, privacy]}
- {id: 'service:ci', name: CI, roles: [policy]}
"""
    assert read(principals__p=people).approvers() == ("person:a", "service:ci")


def test_the_controls_stand_beside_the_folders() -> None:
    """Without the file nobody changes anything alone."""
    assert read().controls == ControlsPolicy(single_operator=False)
    assert read(controls="single_operator: true\n").controls.single_operator
    assert read(controls="# nothing yet\n").controls == ControlsPolicy()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            "singel_operator: true",
            "controls.yaml:1:1: singel_operator: unknown key 'singel_operator'; "
            "did you mean 'single_operator'?",
        ),
        (
            "a: b: c",
            "controls.yaml:1:5: is not YAML: mapping values are not allowed in this context",
        ),
        (
            "single_operator: true\n---\nsingle_operator: false",
            "controls.yaml:3:1: is a second document; write one",
        ),
        (
            "- single_operator: true",
            "controls.yaml:1:1: is [{'single_operator': True}]: input should be a valid "
            "dictionary or instance of ControlsPolicy",
        ),
    ],
)
def test_controls_are_read_strictly(text: str, problem: str) -> None:
    """One entry, known keys: a misread file here would let one person do what takes two."""
    assert [line.split(" or instance")[0] for line in wrong(controls=text)] == [
        problem.split(" or instance")[0]
    ]


@pytest.mark.parametrize("value", ["yes", "1", "'true'", "null", "[]"])
def test_a_single_operator_is_true_or_false(value: str) -> None:
    """What only looks like yes is refused: it would take a control away."""
    assert wrong(controls=f"single_operator: {value}")


def test_disabled_agents_are_disabled_whatever_their_entry_says() -> None:
    """The overlay only takes away."""
    agents = f"- {AGENT}\n- {AGENT.replace('id: a', 'id: b')[:-1]}, disabled: true}}\n"
    registry = read(agents__a=agents, disabled="agents: [a]\n")
    assert {name: agent.disabled for name, agent in registry.agents.items()} == {
        "a": True,
        "b": True,
    }
    assert not read(agents__a=AGENT, disabled="agents: []\n").agents["a"].disabled


def test_an_unknown_agent_cannot_be_disabled() -> None:
    """A typing error would leave the agent that was meant at work."""
    assert wrong(agents__a=AGENT.replace("id: a", "id: robot"), disabled="agents: [robbot]") == [
        "disabled.yaml:1:10: agents[0]: no agent is called 'robbot'; did you mean 'robot'?"
    ]


@pytest.mark.parametrize("name", ["control.yaml", "controls.yml", "x/controls.yaml", "loose.yaml"])
def test_no_other_file_stands_there(name: str) -> None:
    """A file that nothing reads would be believed to be in force."""
    with pytest.raises(BundleInvalid) as caught:
        Bundle({name: "single_operator: true"}).registry()
    assert [problem.file for problem in caught.value.problems] == [name]


def test_a_folder_with_all_of_it_survives_reading_and_storing(tmp_path: Path) -> None:
    """The files travel with the bundle and count in its version."""
    (tmp_path / "principals").mkdir()
    (tmp_path / "principals" / "a.yaml").write_text(ALICE)
    (tmp_path / "controls.yaml").write_text("single_operator: true")
    (tmp_path / "disabled.yaml").write_text("agents: []")
    bundle = Bundle.read(tmp_path)
    assert sorted(bundle.files) == ["controls.yaml", "disabled.yaml", "principals/a.yaml"]
    again = Bundle.from_json(bundle.to_json()).registry()
    assert again == bundle.registry()
    assert Bundle({**bundle.files, "controls.yaml": ""}).version != bundle.version


def test_differences_name_persons_controls_and_disabled_agents() -> None:
    """Who gets which role, and what one person may do alone, is shown before it is approved."""
    before = read(agents__a=AGENT, principals__a=ALICE)
    after = read(
        agents__a=AGENT,
        principals__a=ALICE.replace("[policy, reader]", "[reader]") + "---\n" + GRAFANA,
        controls="single_operator: true",
        disabled="agents: a",
    )
    assert [(c.change, c.kind, c.name, c.field) for c in compare(before, after)] == [
        ("changed", "agent", "a", "disabled"),
        ("changed", "principal", "person:alice", "roles"),
        ("added", "principal", "service:grafana", ""),
        ("added", "controls", "controls.yaml", ""),
    ]
    assert compare(read(), read(controls="single_operator: false")) == ()
