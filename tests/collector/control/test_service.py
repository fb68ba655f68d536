"""Changes come into force after their record is durable, one at a time, asked by who may."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from auditspan.collector.control.errors import (
    ControlForbidden,
    ControlInvalid,
    ControlRefused,
    ControlUnavailable,
    NotFound,
)
from auditspan.collector.control.history import in_force
from auditspan.collector.control.keys import HolderKind, Wish
from auditspan.collector.control.records import Why
from auditspan.collector.control.service import Controls
from auditspan.identity.errors import ApiKeyRefused
from tests.collector.control.bundles import PEOPLE, STRICTER, WRONG, bundle, two_persons
from tests.collector.control.callers import ALICE, ALONE, CAROL, OLGA, Spool, controls_in

WHY = Why(requested_by="ann", ticket="T-1", reason="because")
DAY = 24 * 3600


@pytest.fixture
def spool() -> Spool:
    """An empty spool."""
    return Spool()


@pytest.fixture
def controls(tmp_path: Path, spool: Spool) -> Iterator[Controls]:
    """Controls over an empty folder whose clock ticks a second at every look."""
    yield controls_in(tmp_path, spool)


def test_a_change_is_recorded_and_then_in_force(controls: Controls, spool: Spool) -> None:
    """The answer has the version; record, current bundle and history agree with it."""
    outcome = asyncio.run(controls.apply(bundle(), WHY, ALONE))
    assert outcome["applied"]
    assert [record.kind for record in spool.records] == ["registry.applied"]
    assert controls.bundle("", ALONE) == bundle().files
    [row] = controls.history(ALONE)
    assert row["version"] == outcome["version"] == bundle().version
    assert (row["requested_by"], row["provenance"]) == ("operator", "verified")
    assert (row["on_behalf_of"], row["ticket"], row["reason"]) == ("ann", "T-1", "because")
    [version] = controls.journal.versions.history().versions
    assert version.applied_at_ns == spool.records[0].at_ns


def test_what_cannot_come_into_force_is_not_recorded(
    controls: Controls, spool: Spool, tmp_path: Path
) -> None:
    """An audit trail that says that an agent was stopped would be wrong, were it not."""
    asyncio.run(controls.apply(bundle(), WHY, ALONE))
    versions = controls.journal.versions.folder / "versions"
    versions.rename(tmp_path / "away")
    versions.touch()
    before = list(spool.records)
    with pytest.raises(ControlUnavailable, match=r"registry .*: File exists: nothing changed"):
        asyncio.run(controls.apply(bundle(policies__p=STRICTER), WHY, ALONE))
    assert spool.records == before


def test_a_dry_run_changes_nothing(controls: Controls, spool: Spool) -> None:
    """It answers with the difference alone."""
    outcome = asyncio.run(controls.apply(bundle(), WHY, ALONE, dry_run=True))
    assert not outcome["applied"]
    assert outcome["changes"]
    assert spool.records == []
    assert controls.history(ALONE) == []


def test_the_same_version_again_is_nothing(controls: Controls, spool: Spool) -> None:
    """Applying what is in force leaves no record; going back to an old version does."""
    for texts in (bundle(), bundle(), bundle(policies__p=STRICTER), bundle()):
        asyncio.run(controls.apply(texts, WHY, ALONE))
    assert len(spool.records) == 3
    assert [row["version"] for row in controls.history(ALONE)] == [
        bundle().version,
        bundle(policies__p=STRICTER).version,
        bundle().version,
    ]


def test_a_refused_change_leaves_no_trace(controls: Controls, spool: Spool) -> None:
    """Neither a record nor a version."""
    with pytest.raises(ControlRefused):
        asyncio.run(controls.apply(bundle(policies__p=WRONG), WHY, ALONE))
    assert spool.records == []
    with pytest.raises(NotFound, match="no registry is in force"):
        controls.bundle("", ALONE)


def test_without_a_record_nothing_comes_into_force(controls: Controls, spool: Spool) -> None:
    """A spool that takes nothing keeps the old version, and a key that was made dies."""
    asyncio.run(controls.apply(bundle(), WHY, ALONE))
    spool.full = True
    with pytest.raises(ControlUnavailable):
        asyncio.run(controls.apply(bundle(policies__p=STRICTER), WHY, ALONE))
    assert controls.bundle("", ALONE) == bundle().files
    with pytest.raises(ControlUnavailable):
        asyncio.run(controls.issue(Wish("helper", "agent", DAY), WHY, ALONE))
    assert all(key["revoked_at"] for key in controls.list_keys(ALONE))


def test_changes_at_once_take_turns(controls: Controls) -> None:
    """Each of two concurrent changes is compared with what the other left."""

    async def both() -> None:
        await asyncio.gather(
            controls.apply(bundle(), WHY, ALONE),
            controls.apply(bundle(policies__p=STRICTER), WHY, ALONE),
        )

    asyncio.run(both())
    first, second = controls.history(ALONE)
    assert second["previous"] == first["version"]


def test_a_clock_set_back_keeps_the_order(controls: Controls, spool: Spool) -> None:
    """A later change is never recorded before an earlier one."""
    asyncio.run(controls.apply(bundle(), WHY, ALONE))
    controls.journal.now_ns = lambda: 5
    asyncio.run(controls.apply(bundle(policies__p=STRICTER), WHY, ALONE))
    first, second = spool.records
    assert second.at_ns == first.at_ns + 1
    assert controls.journal.versions.history().applied == (first.at_ns, second.at_ns)


def test_a_version_is_found_by_the_start_of_its_name(controls: Controls) -> None:
    """A prefix is enough if it is one's own; the hash name may be left out."""
    asyncio.run(controls.apply(bundle(), WHY, ALONE))
    asyncio.run(controls.apply(bundle(policies__p=STRICTER), WHY, ALONE))
    version = bundle().version
    for name in (version, version[:20], version[7:15]):
        assert controls.bundle(name, ALONE) == bundle().files
    with pytest.raises(NotFound, match="no version begins"):
        controls.bundle("sha256:zz", ALONE)
    with pytest.raises(NotFound, match="several versions begin"):
        controls.bundle("sha256:", ALONE)


def test_what_was_in_force_on_a_date(controls: Controls) -> None:
    """The last version not after the time; none before the first; a time needs a zone."""
    for texts in (bundle(), bundle(policies__p=STRICTER)):
        asyncio.run(controls.apply(texts, WHY, ALONE))
    rows = controls.history(ALONE)
    assert in_force(rows, "2020-01-01T00:00:00Z") == []
    assert in_force(rows, str(rows[0]["at"])) == rows[:1]
    assert in_force(rows, "2040-01-01T00:00:00+02:00") == rows[1:]
    for wrong in ("2026-01-01T00:00:00", "yesterday"):
        with pytest.raises(ControlInvalid, match="expected 2026"):
            in_force(rows, wrong)


def test_a_key_works_until_it_is_revoked(controls: Controls, spool: Spool) -> None:
    """The key is in the answer only; records and lists have its id."""
    asyncio.run(controls.apply(bundle(), WHY, ALONE))
    issued = asyncio.run(controls.issue(Wish("helper", "agent", DAY, "laptop"), WHY, ALONE))
    text = str(issued["key"])
    controls.api_keys._now = lambda: 1_800_000_010.0
    assert controls.api_keys.verify(text, "127.0.0.1").agent_id == "helper"
    asyncio.run(controls.revoke(str(issued["id"]), WHY, ALONE))
    with pytest.raises(ApiKeyRefused):
        controls.api_keys.verify(text, "127.0.0.1")
    assert [record.kind for record in spool.records[1:]] == ["key.issued", "key.revoked"]
    secret = text.rpartition("_")[2]
    everything = "".join(r.to_json() for r in spool.records) + str(controls.list_keys(ALONE))
    assert secret not in everything
    assert str(issued["id"]) in everything


@pytest.mark.parametrize(
    ("wish", "error", "words"),
    [
        (Wish("hepler", "agent", DAY), NotFound, "did you mean 'helper'"),
        (Wish("helper", "agent", 0), ControlInvalid, "expires_in"),
        (Wish("helper", "agent", 400 * DAY), ControlInvalid, "366 days"),
        (Wish("", "relay", DAY), ControlInvalid, "holder"),
        (Wish("a\nb", "relay", DAY), ControlInvalid, "holder"),
        (Wish("alcie", "person", DAY), NotFound, "did you mean 'person:alice'"),
        (Wish("alice", "service", DAY), NotFound, "nobody is called 'service:alice'"),
        (Wish("gone", "person", DAY), ControlInvalid, "person:gone is disabled"),
    ],
)
def test_a_key_needs_a_holder_and_an_end(
    controls: Controls, wish: Wish, error: type[Exception], words: str
) -> None:
    """Unknown and disabled holders, endless keys and nameless relays are refused."""
    asyncio.run(controls.apply(two_persons(), WHY, ALONE))
    with pytest.raises(error, match=words):
        asyncio.run(controls.issue(wish, WHY, ALONE))


def test_a_relay_needs_no_registry(controls: Controls) -> None:
    """A shared collector is not an agent; an agent is unknown before the first registry."""
    issued = asyncio.run(controls.issue(Wish("otel", "relay", DAY), WHY, ALONE))
    assert issued["principal"] == "relay:otel"
    with pytest.raises(NotFound, match="apply a registry first"):
        asyncio.run(controls.issue(Wish("helper", "agent", DAY), WHY, ALONE))


def test_a_disabled_agent_gets_no_key(controls: Controls) -> None:
    """Somebody disabled it for a reason."""
    disabled = bundle().files["agents/a.yaml"].replace("risk_tier", "disabled: true, risk_tier")
    example = bundle().files["examples/e.yaml"].replace("allow, rules: small", "deny")
    asyncio.run(controls.apply(bundle(agents__a=disabled, examples__e=example), WHY, ALONE))
    with pytest.raises(ControlInvalid, match="is disabled"):
        asyncio.run(controls.issue(Wish("helper", "agent", DAY), WHY, ALONE))


def test_a_key_that_is_not_there_cannot_be_revoked(controls: Controls, spool: Spool) -> None:
    """The error says where to look."""
    with pytest.raises(NotFound, match="auditspan keys list"):
        asyncio.run(controls.revoke("0123", WHY, ALONE))
    assert spool.records == []


@pytest.mark.parametrize(("kind", "holder"), [("person", "alice"), ("service", "ci")])
def test_a_key_says_who_issued_it(
    controls: Controls, spool: Spool, kind: HolderKind, holder: str
) -> None:
    """The issuer is whom their own credential proves, in the list and in the record."""
    asyncio.run(controls.apply(two_persons(), WHY, ALONE))
    issued = asyncio.run(controls.issue(Wish(holder, kind, DAY), WHY, OLGA))
    [row] = controls.list_keys(OLGA)
    assert (row["principal"], row["issued_by"]) == (f"{kind}:{holder}", "person:olga")
    record = spool.records[-1]
    assert (record.kind, record.body["issued_by"]) == ("key.issued", "person:olga")
    assert record.requester is not None and record.requester.principal == "person:olga"
    assert controls.api_keys.verify(str(issued["key"]), "").id == f"{kind}:{holder}"


def test_what_a_role_does_not_allow_is_refused(controls: Controls, spool: Spool) -> None:
    """Before anything is looked at, with the role that it would take."""
    asyncio.run(controls.apply(two_persons(), WHY, ALONE))
    before = len(spool.records)
    with pytest.raises(ControlForbidden, match=r"registry\.propose: it takes the role policy"):
        asyncio.run(controls.apply(bundle(), WHY, CAROL))
    for refused in (
        controls.issue(Wish("carol", "person", DAY), WHY, ALICE),
        controls.revoke("0123", WHY, ALICE),
        controls.disable("helper", WHY, CAROL),
        controls.enable("helper", WHY, CAROL),
    ):
        with pytest.raises(ControlForbidden, match="person:"):
            asyncio.run(refused)
    with pytest.raises(ControlForbidden, match=r"keys\.manage"):
        controls.list_keys(CAROL)
    assert len(controls.history(CAROL)) == 1
    assert controls.bundle("", CAROL)["principals/people.yaml"] == PEOPLE
    assert len(spool.records) == before
