"""One person stops an agent at once; two let it act again."""

import asyncio
from pathlib import Path

import pytest

from auditspan.collector.control.disabled import disabled_agents, undisabled, with_disabled
from auditspan.collector.control.errors import (
    ControlConflict,
    ControlForbidden,
    ControlInvalid,
    ControlUnavailable,
    NotFound,
)
from auditspan.collector.control.keys import Wish
from auditspan.collector.control.records import Why
from auditspan.collector.control.service import Controls
from auditspan.registry import Bundle
from tests.collector.control.bundles import FILES, STRICTER, two_persons
from tests.collector.control.callers import (
    ALICE,
    ALONE,
    BOB,
    CAROL,
    OLGA,
    OPERATOR,
    Spool,
    controls_in,
)

WHY = Why(ticket="INC-1", reason="it sends money to strangers")
DAY = 24 * 3600


@pytest.fixture
def spool() -> Spool:
    """An empty spool."""
    return Spool()


@pytest.fixture
def controls(tmp_path: Path, spool: Spool) -> Controls:
    """Controls under the rule of two persons."""
    made = controls_in(tmp_path, spool)
    asyncio.run(made.apply(two_persons(), WHY, ALONE))
    return made


def off(controls: Controls) -> bool:
    """Whether the agent is disabled in the registry in force."""
    registry = controls.journal.registry()
    assert registry is not None
    return registry.agents["helper"].disabled


@pytest.mark.parametrize("who", [ALICE, OLGA, OPERATOR])
def test_one_person_stops_an_agent(controls: Controls, spool: Spool, who: object) -> None:
    """Policy or operator, at once: an order, and a version of the registry that carries it out."""
    outcome = asyncio.run(controls.disable("helper", WHY, who))  # type: ignore[arg-type]
    assert outcome["applied"] and outcome["findings"] == []
    assert off(controls)
    order, version = spool.records[1:]
    assert (order.kind, order.body["id"]) == ("agent.disabled", "helper")
    assert (version.kind, version.asked_by) == ("registry.applied", order.asked_by)
    assert (version.approver, version.findings) == (None, ())
    assert version.body["cause"] == {"kind": "agent.disabled", "agent": "helper"}
    assert version.body["changes"] == [
        {
            "change": "changed", "kind": "agent", "name": "helper", "field": "disabled",
            "before": False, "after": True,
        }
    ]  # fmt: skip
    assert disabled_agents(Bundle(controls.bundle("", CAROL))) == ("helper",)


def test_others_stop_nothing(controls: Controls, spool: Spool) -> None:
    """A reader may not; an agent that is not there cannot be stopped."""
    with pytest.raises(ControlForbidden, match=r"agents\.disable: it takes the role policy or op"):
        asyncio.run(controls.disable("helper", WHY, CAROL))
    with pytest.raises(NotFound, match="did you mean 'helper'"):
        asyncio.run(controls.disable("hepler", WHY, ALICE))
    assert spool.kinds == ["registry.applied"]


def test_stopping_twice_is_stopping_once(controls: Controls, spool: Spool) -> None:
    """The second order changes nothing and is no record."""
    asyncio.run(controls.disable("helper", WHY, ALICE))
    assert not asyncio.run(controls.disable("helper", WHY, OLGA))["applied"]
    assert len(spool.records) == 3


def test_without_its_record_no_agent_is_stopped(controls: Controls, spool: Spool) -> None:
    """The caller is told, and asks again."""
    spool.full = True
    with pytest.raises(ControlUnavailable):
        asyncio.run(controls.disable("helper", WHY, ALICE))
    assert not off(controls)


def test_an_agent_that_cannot_be_stopped_is_not_recorded_as_stopped(
    controls: Controls, spool: Spool, tmp_path: Path
) -> None:
    """The registry's folder takes no file: the caller is told, and the audit trail says nothing."""
    versions = controls.journal.versions.folder / "versions"
    versions.rename(tmp_path / "away")
    versions.touch()
    with pytest.raises(ControlUnavailable, match="nothing changed"):
        asyncio.run(controls.disable("helper", WHY, ALICE))
    assert not off(controls)
    assert spool.kinds == ["registry.applied"]


def test_an_agent_is_stopped_whatever_else_is_wrong(tmp_path: Path, spool: Spool) -> None:
    """Examples that its stopping breaks do not stand in the way."""
    controls = controls_in(tmp_path, spool)
    policy = FILES["policies/p.cedar"].replace("when {", "when { principal.registered &&")
    asyncio.run(controls.apply(two_persons(policies__p=policy), WHY, ALONE))
    assert asyncio.run(controls.disable("helper", WHY, ALICE))["applied"]
    files = dict(controls.bundle("", CAROL)) | {"policies/p.cedar": policy + "// more\n"}
    assert asyncio.run(controls.apply(Bundle(files), WHY, ALICE))["proposal"]


def test_two_persons_let_an_agent_act_again(controls: Controls) -> None:
    """Enabling is a proposal like any other."""
    with pytest.raises(ControlInvalid, match="it is enabled"):
        asyncio.run(controls.enable("helper", WHY, ALICE))
    asyncio.run(controls.disable("helper", WHY, ALICE))
    outcome = asyncio.run(controls.enable("helper", WHY, ALICE))
    assert not outcome["applied"] and off(controls)
    with pytest.raises(ControlForbidden):
        asyncio.run(controls.changes.approve(str(outcome["proposal"]), "", ALICE))
    asyncio.run(controls.changes.approve(str(outcome["proposal"]), "", BOB))
    assert not off(controls)
    assert controls.bundle("", CAROL) == two_persons().files


def test_an_entry_that_says_disabled_is_changed_in_its_file(tmp_path: Path, spool: Spool) -> None:
    """The command takes back orders only."""
    controls = controls_in(tmp_path, spool)
    entry = FILES["agents/a.yaml"].replace("risk_tier", "disabled: true, risk_tier")
    example = FILES["examples/e.yaml"].replace("allow, rules: small", "deny")
    asyncio.run(controls.apply(two_persons(agents__a=entry, examples__e=example), WHY, ALONE))
    with pytest.raises(ControlInvalid, match="its own entry says `disabled: true`"):
        asyncio.run(controls.enable("helper", WHY, ALICE))


def test_stopping_an_agent_outdates_open_proposals(controls: Controls) -> None:
    """One made before would quietly let it act again; it must be made anew."""
    proposed = asyncio.run(controls.apply(two_persons(policies__p=STRICTER), WHY, ALICE))
    asyncio.run(controls.disable("helper", WHY, OLGA))
    with pytest.raises(ControlConflict, match="is in force now"):
        asyncio.run(controls.changes.approve(str(proposed["proposal"]), "", BOB))
    assert off(controls)


def test_agents_are_listed_with_their_state(controls: Controls) -> None:
    """Owner, version, when which change of its entry came, and who stopped it why."""
    [row] = controls.agents(CAROL)
    assert (row["id"], row["state"], row["owner"]) == ("helper", "enabled", "o")
    assert (row["changed_in"], row["disabled_by"]) == (two_persons().version, "")
    asyncio.run(controls.disable("helper", WHY, ALICE))
    [row] = controls.agents(CAROL)
    assert (row["state"], row["disabled_by"]) == ("disabled", "person:alice")
    assert row["disabled_why"] == WHY.reason
    assert row["changed_at"] == row["disabled_at"]
    with pytest.raises(ControlInvalid, match="is disabled"):
        asyncio.run(controls.issue(Wish("helper", "agent", DAY), WHY, OLGA))


def test_before_the_first_registry_there_are_no_agents(tmp_path: Path, spool: Spool) -> None:
    """The list is empty, and stopping one says what to do."""
    controls = controls_in(tmp_path, spool)
    assert controls.agents(ALONE) == []
    for act in (controls.disable, controls.enable):
        with pytest.raises(NotFound, match="no registry is in force"):
            asyncio.run(act("helper", WHY, ALONE))


def test_the_file_keeps_who_was_disabled_before() -> None:
    """Whatever form it was written in; ids are quoted, since YAML reads some as numbers."""
    bundle = Bundle({**FILES, "disabled.yaml": "agents: helper"})
    both = with_disabled(bundle, (*disabled_agents(bundle), "1e3"))
    assert disabled_agents(both) == ("1e3", "helper")
    assert undisabled(both).files == FILES
    assert undisabled(Bundle(FILES)).files == FILES
    assert disabled_agents(Bundle({**FILES, "disabled.yaml": "# nobody\n"})) == ()
