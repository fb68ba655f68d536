"""Changes come into force after their record is durable, one at a time."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from auditspan.collector.control.errors import (
    ControlInvalid,
    ControlRefused,
    ControlUnavailable,
    NotFound,
)
from auditspan.collector.control.history import in_force
from auditspan.collector.control.keys import Wish
from auditspan.collector.control.records import ControlRecord, Why
from auditspan.collector.control.service import Controls, open_controls
from auditspan.identity.errors import ApiKeyRefused
from tests.collector.control.bundles import STRICTER, WRONG, bundle

WHY = Why(requested_by="ann", ticket="T-1", reason="because")
DAY = 24 * 3600


class Spool:
    """Keeps what was submitted, or refuses like a full disk."""

    def __init__(self) -> None:
        self.records: list[ControlRecord] = []
        self.full = False

    async def submit(self, text: str) -> None:
        """Take a record."""
        if self.full:
            raise ControlUnavailable("spool: disk full")
        self.records.append(ControlRecord.from_json(text))


@pytest.fixture
def spool() -> Spool:
    """An empty spool."""
    return Spool()


@pytest.fixture
def controls(tmp_path: Path, spool: Spool) -> Iterator[Controls]:
    """Controls over an empty folder whose clock ticks a second at every look."""
    made = open_controls(tmp_path, tmp_path / "api_keys.json", spool.submit)
    ticks = iter(range(1_800_000_000, 1_900_000_000))
    made.now_ns = lambda: next(ticks) * 10**9
    yield made


def test_a_change_is_recorded_and_then_in_force(controls: Controls, spool: Spool) -> None:
    """The answer has the version; record, current bundle and history agree with it."""
    told: list[ControlRecord] = []
    controls.applied = told.append
    outcome = asyncio.run(controls.apply(bundle(), WHY))
    assert outcome["applied"]
    assert [record.kind for record in spool.records] == ["registry.applied"]
    assert told == spool.records
    assert controls.bundle() == bundle().files
    [row] = controls.history()
    assert row["version"] == outcome["version"] == bundle().version
    assert (row["requested_by"], row["ticket"], row["reason"]) == ("ann", "T-1", "because")
    [version] = controls.versions.history().versions
    assert version.applied_at_ns == spool.records[0].at_ns


def test_a_dry_run_changes_nothing(controls: Controls, spool: Spool) -> None:
    """It answers with the difference alone."""
    outcome = asyncio.run(controls.apply(bundle(), WHY, dry_run=True))
    assert not outcome["applied"]
    assert outcome["changes"]
    assert spool.records == []
    assert controls.history() == []


def test_the_same_version_again_is_nothing(controls: Controls, spool: Spool) -> None:
    """Applying what is in force leaves no record; going back to an old version does."""
    for texts in (bundle(), bundle(), bundle(policies__p=STRICTER), bundle()):
        asyncio.run(controls.apply(texts, WHY))
    assert len(spool.records) == 3
    assert [row["version"] for row in controls.history()] == [
        bundle().version,
        bundle(policies__p=STRICTER).version,
        bundle().version,
    ]


def test_a_refused_change_leaves_no_trace(controls: Controls, spool: Spool) -> None:
    """Neither a record nor a version."""
    with pytest.raises(ControlRefused):
        asyncio.run(controls.apply(bundle(policies__p=WRONG), WHY))
    assert spool.records == []
    with pytest.raises(NotFound, match="no registry is in force"):
        controls.bundle()


def test_without_a_record_nothing_comes_into_force(controls: Controls, spool: Spool) -> None:
    """A spool that takes nothing keeps the old version, and a key that was made dies."""
    asyncio.run(controls.apply(bundle(), WHY))
    spool.full = True
    with pytest.raises(ControlUnavailable):
        asyncio.run(controls.apply(bundle(policies__p=STRICTER), WHY))
    assert controls.bundle() == bundle().files
    with pytest.raises(ControlUnavailable):
        asyncio.run(controls.issue(Wish("helper", False, DAY), WHY))
    assert all(key["revoked_at"] for key in controls.list_keys())


def test_changes_at_once_take_turns(controls: Controls) -> None:
    """Each of two concurrent changes is compared with what the other left."""

    async def both() -> None:
        await asyncio.gather(
            controls.apply(bundle(), WHY), controls.apply(bundle(policies__p=STRICTER), WHY)
        )

    asyncio.run(both())
    first, second = controls.history()
    assert second["previous"] == first["version"]


def test_a_clock_set_back_keeps_the_order(controls: Controls, spool: Spool) -> None:
    """A later change is never recorded before an earlier one."""
    asyncio.run(controls.apply(bundle(), WHY))
    controls.now_ns = lambda: 5
    asyncio.run(controls.apply(bundle(policies__p=STRICTER), WHY))
    first, second = spool.records
    assert second.at_ns == first.at_ns + 1
    assert controls.versions.history().applied == (first.at_ns, second.at_ns)


def test_a_version_is_found_by_the_start_of_its_name(controls: Controls) -> None:
    """A prefix is enough if it is one's own; the hash name may be left out."""
    asyncio.run(controls.apply(bundle(), WHY))
    asyncio.run(controls.apply(bundle(policies__p=STRICTER), WHY))
    version = bundle().version
    for name in (version, version[:20], version[7:15]):
        assert controls.bundle(name) == bundle().files
    with pytest.raises(NotFound, match="no version begins"):
        controls.bundle("sha256:zz")
    with pytest.raises(NotFound, match="several versions begin"):
        controls.bundle("sha256:")


def test_what_was_in_force_on_a_date(controls: Controls) -> None:
    """The last version not after the time; none before the first; a time needs a zone."""
    for texts in (bundle(), bundle(policies__p=STRICTER)):
        asyncio.run(controls.apply(texts, WHY))
    rows = controls.history()
    assert in_force(rows, "2020-01-01T00:00:00Z") == []
    assert in_force(rows, str(rows[0]["at"])) == rows[:1]
    assert in_force(rows, "2040-01-01T00:00:00+02:00") == rows[1:]
    for wrong in ("2026-01-01T00:00:00", "yesterday"):
        with pytest.raises(ControlInvalid, match="expected 2026"):
            in_force(rows, wrong)


def test_a_key_works_until_it_is_revoked(controls: Controls, spool: Spool) -> None:
    """The key is in the answer only; records and lists have its id."""
    asyncio.run(controls.apply(bundle(), WHY))
    issued = asyncio.run(controls.issue(Wish("helper", False, DAY, "laptop"), WHY))
    text = str(issued["key"])
    controls.api_keys._now = lambda: 1_800_000_010.0
    assert controls.api_keys.verify(text, "127.0.0.1").agent_id == "helper"
    asyncio.run(controls.revoke(str(issued["id"]), WHY))
    with pytest.raises(ApiKeyRefused):
        controls.api_keys.verify(text, "127.0.0.1")
    assert [record.kind for record in spool.records[1:]] == ["key.issued", "key.revoked"]
    secret = text.rpartition("_")[2]
    everything = "".join(r.to_json() for r in spool.records) + str(controls.list_keys())
    assert secret not in everything
    assert str(issued["id"]) in everything


@pytest.mark.parametrize(
    ("wish", "error", "words"),
    [
        (Wish("hepler", False, DAY), NotFound, "did you mean 'helper'"),
        (Wish("helper", False, 0), ControlInvalid, "expires_in"),
        (Wish("helper", False, 400 * DAY), ControlInvalid, "366 days"),
        (Wish("", True, DAY), ControlInvalid, "holder"),
        (Wish("a\nb", True, DAY), ControlInvalid, "holder"),
    ],
)
def test_a_key_needs_a_holder_and_an_end(
    controls: Controls, wish: Wish, error: type[Exception], words: str
) -> None:
    """Unknown agents, endless keys and nameless relays are refused."""
    asyncio.run(controls.apply(bundle(), WHY))
    with pytest.raises(error, match=words):
        asyncio.run(controls.issue(wish, WHY))


def test_a_relay_needs_no_registry(controls: Controls) -> None:
    """A shared collector is not an agent; an agent is unknown before the first registry."""
    issued = asyncio.run(controls.issue(Wish("otel", True, DAY), WHY))
    assert issued["principal"] == "relay:otel"
    with pytest.raises(NotFound, match="apply a registry first"):
        asyncio.run(controls.issue(Wish("helper", False, DAY), WHY))


def test_a_disabled_agent_gets_no_key(controls: Controls) -> None:
    """Somebody disabled it for a reason."""
    disabled = bundle().files["agents/a.yaml"].replace("risk_tier", "disabled: true, risk_tier")
    asyncio.run(controls.apply(bundle(agents__a=disabled), WHY))
    with pytest.raises(ControlInvalid, match="is disabled"):
        asyncio.run(controls.issue(Wish("helper", False, DAY), WHY))


def test_a_key_that_is_not_there_cannot_be_revoked(controls: Controls, spool: Spool) -> None:
    """The error says where to look."""
    with pytest.raises(NotFound, match="auditspan keys list"):
        asyncio.run(controls.revoke("0123", WHY))
    assert spool.records == []
