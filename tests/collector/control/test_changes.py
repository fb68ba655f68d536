"""One proposes, another approves: the rule of two persons, and everything that ends a proposal."""

import asyncio
import hashlib
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from auditspan.collector.control.changes import MAX_OPEN, Changes
from auditspan.collector.control.errors import (
    ControlConflict,
    ControlForbidden,
    ControlInvalid,
    ControlRefused,
    ControlUnavailable,
    NotFound,
)
from auditspan.collector.control.fields import Fields
from auditspan.collector.control.handlers import Effect, Handler
from auditspan.collector.control.records import ControlRecord, Why
from auditspan.collector.control.service import Controls, open_controls
from auditspan.identity.caller import Caller
from auditspan.identity.roles import Action, Role
from auditspan.registry import Bundle
from tests.collector.control.bundles import STRICTER, WRONG, bundle, two_persons
from tests.collector.control.callers import (
    ALICE,
    ALONE,
    BOB,
    CAROL,
    CI,
    OLGA,
    OPERATOR,
    START,
    Spool,
    caller,
    controls_in,
    ticking,
)

WHY = Why(ticket="T-1", reason="because")
DAY = 24 * 3600
CHANGED = two_persons(policies__p=STRICTER)


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


def proposed(controls: Controls, texts: Bundle = CHANGED, who: Caller = ALICE) -> str:
    """The hash of a proposal."""
    outcome = asyncio.run(controls.apply(texts, WHY, who))
    assert not outcome["applied"]
    return str(outcome["proposal"])


def approve(controls: Controls, hash: str, who: Caller = BOB, reason: str = "") -> Fields:
    """Approve it."""
    return asyncio.run(controls.changes.approve(hash, reason, who))


def state(controls: Controls, hash: str) -> object:
    """What the list says of it."""
    rows = controls.changes.listed(CAROL, all=True)
    return next(row["state"] for row in rows if row["id"] == hash)


def in_force(controls: Controls) -> object:
    """The texts in force."""
    return controls.bundle("", CAROL)


def test_what_one_proposes_another_puts_in_force(controls: Controls, spool: Spool) -> None:
    """Nothing changes before; the record of the effect has both as they were proved."""
    hash_ = proposed(controls)
    assert in_force(controls) == two_persons().files
    outcome = approve(controls, hash_, reason="looks right")
    assert outcome["applied"] and outcome["findings"] == []
    assert in_force(controls) == CHANGED.files
    assert spool.kinds == ["registry.applied", "change.proposed", "registry.applied"]
    asked, done = spool.records[1:]
    assert asked.requester is not None and asked.requester.principal == "person:alice"
    assert asked.body["version"] == CHANGED.version
    assert done.requester == asked.requester
    assert done.approver is not None and done.approver.credential == "kb"
    assert (done.proposal, asked.proposal, asked.body["id"]) == (hash_, hash_, hash_)
    assert (done.why, done.findings) == (WHY, ())
    assert done.body["approval"] == {
        "reason": "looks right",
        "proposed_at": controls.changes.show(hash_, CAROL)["requested_at"],
    }
    [*_, row] = controls.history(CAROL)
    assert (row["requested_by"], row["approved_by"]) == ("person:alice", "person:bob")
    assert state(controls, hash_) == "approved"


def test_the_first_change_is_a_finding_of_the_beginning(controls: Controls, spool: Spool) -> None:
    """Without a registry nobody else could approve it; who asked is known all the same."""
    [first] = spool.records
    assert first.findings == ("change.bootstrap",)
    assert first.requester is not None and first.requester.principal == "operator"
    assert (first.approver, first.proposal) == (None, "")


def test_a_single_operator_is_a_finding_at_every_change(tmp_path: Path, spool: Spool) -> None:
    """The change is in force at once, approved by nobody."""
    controls = controls_in(tmp_path, spool)
    asyncio.run(controls.apply(bundle(), WHY, ALONE))
    outcome = asyncio.run(controls.apply(bundle(policies__p=STRICTER), WHY, ALONE))
    assert outcome["applied"]
    assert outcome["findings"] == ["change.self_approved"]
    assert spool.records[-1].findings == ("change.self_approved",)
    assert spool.records[-1].approver is None


def test_who_may_only_propose_does_not_decide_alone(tmp_path: Path, spool: Spool) -> None:
    """Under a single operator too: a program that proposes waits for who may approve."""
    controls = controls_in(tmp_path, spool)
    asyncio.run(controls.apply(bundle(), WHY, ALONE))
    outcome = asyncio.run(controls.apply(bundle(policies__p=STRICTER), WHY, CI))
    assert not outcome["applied"]
    assert approve(controls, str(outcome["proposal"]), ALONE)["applied"]
    assert spool.records[-1].findings == ()


@pytest.mark.parametrize("who", [ALICE, replace(ALICE, issued_by="person:bob")])
def test_nobody_approves_their_own(controls: Controls, spool: Spool, who: Caller) -> None:
    """By whatever credential they come."""
    hash_ = proposed(controls)
    with pytest.raises(ControlForbidden, match="person:alice asked for this change"):
        approve(controls, hash_, who)
    assert in_force(controls) == two_persons().files
    assert spool.kinds[-1] == "change.proposed"


@pytest.mark.parametrize("who", [CAROL, OLGA, CI, OPERATOR])
def test_an_approval_takes_the_action(controls: Controls, who: Caller) -> None:
    """A reader, an operator, a program that operates and the operator's token have it not."""
    hash_ = proposed(controls)
    for act in (controls.changes.approve, controls.changes.reject):
        with pytest.raises(ControlForbidden, match=r"registry\.approve: it takes the role policy"):
            asyncio.run(act(hash_, "", who))
    assert state(controls, hash_) == "open"


def test_a_key_that_the_requester_has_seen_approves_nothing(controls: Controls) -> None:
    """Issued by the requester, or by somebody whose key the requester issued."""
    hash_ = proposed(controls, who=OLGA)
    with pytest.raises(ControlForbidden, match="issued by person:olga"):
        approve(controls, hash_, replace(BOB, issued_by="person:olga"))
    controls.api_keys.issue("service:ci", expires_at=2**40, issued_by="person:olga")
    with pytest.raises(ControlForbidden, match="issued by service:ci"):
        approve(controls, hash_, replace(BOB, issued_by="service:ci"))
    assert approve(controls, hash_, replace(BOB, issued_by="person:alice"))["applied"]


def test_a_key_of_unknown_origin_approves_nothing(controls: Controls) -> None:
    """It does not say who issued it, so the requester may have."""
    hash_ = proposed(controls)
    with pytest.raises(ControlForbidden, match="does not say who issued it"):
        approve(controls, hash_, replace(BOB, issued_by=""))


@pytest.mark.parametrize("reason", ["two\nlines", "\x1b[2J", "x" * 2000])
def test_a_reason_is_one_line(controls: Controls, spool: Spool, reason: str) -> None:
    """Refused before anything is decided."""
    hash_ = proposed(controls)
    changes = controls.changes
    for act, who in ((changes.approve, BOB), (changes.reject, BOB), (changes.withdraw, ALICE)):
        with pytest.raises(ControlInvalid, match="reason"):
            asyncio.run(act(hash_, reason, who))
    assert state(controls, hash_) == "open"
    assert spool.kinds[-1] == "change.proposed"


def test_what_is_based_on_the_past_is_refused(controls: Controls, spool: Spool) -> None:
    """Another change came first: the difference would not be the one that was looked at."""
    first, second = proposed(controls), proposed(controls, two_persons(tools__t=TOOL))
    approve(controls, first)
    assert state(controls, second) == "stale"
    with pytest.raises(ControlConflict, match="propose it anew"):
        approve(controls, second)
    assert in_force(controls) == CHANGED.files
    assert spool.kinds.count("registry.applied") == 2


def test_a_proposal_expires(controls: Controls) -> None:
    """Seven days unless the collector says otherwise; then it must be proposed anew."""
    hash_ = proposed(controls)
    controls.journal.now_ns = ticking(START + 7 * DAY - 60)
    assert state(controls, hash_) == "open"
    controls.journal.now_ns = ticking(START + 7 * DAY + 60)
    assert state(controls, hash_) == "expired"
    with pytest.raises(ControlConflict, match="expired at 2027-01-22T"):
        approve(controls, hash_)
    assert controls.changes.listed(CAROL) == []
    assert proposed(controls) != hash_
    controls.changes.lifetime = timedelta(hours=1)
    controls.journal.now_ns = ticking(START + 8 * DAY)
    assert controls.changes.listed(CAROL) == []


def test_everything_is_checked_again_at_approval(controls: Controls) -> None:
    """Here the calendar changed meanwhile; an example that is wrong by now refuses the change."""
    hash_ = proposed(controls)
    handler = controls.changes.handlers["registry"]

    def refusing(body: Fields) -> Effect:
        raise ControlRefused("1 of 1 examples")

    controls.changes.handlers = {"registry": replace(handler, check=refusing)}
    with pytest.raises(ControlRefused):
        approve(controls, hash_)
    assert in_force(controls) == two_persons().files


def test_what_fails_its_checks_is_not_proposed(controls: Controls, spool: Spool) -> None:
    """No record, no proposal; the same for what changes nothing and for a dry run."""
    with pytest.raises(ControlRefused):
        asyncio.run(controls.apply(two_persons(policies__p=WRONG), WHY, ALICE))
    with pytest.raises(ControlInvalid, match="no change could be approved"):
        lonely = {"controls.yaml": "{}\n", **two_persons().files, "principals/people.yaml": "[]"}
        asyncio.run(controls.apply(Bundle(lonely), WHY, ALICE))
    asyncio.run(controls.apply(two_persons(), WHY, ALICE))
    assert not asyncio.run(controls.apply(CHANGED, WHY, ALICE, dry_run=True))["applied"]
    assert controls.changes.listed(CAROL, all=True) == []
    assert spool.kinds == ["registry.applied"]


def test_a_proposal_is_rejected_by_who_could_approve_it(controls: Controls, spool: Spool) -> None:
    """With a reason; it is decided then, and nothing changes."""
    hash_ = proposed(controls)
    with pytest.raises(ControlForbidden, match="auditspan withdraw"):
        asyncio.run(controls.changes.reject(hash_, "no", ALICE))
    row = asyncio.run(controls.changes.reject(hash_, "too strict", BOB))
    assert (row["state"], row["decided_by"], row["decision_reason"]) == (
        "rejected",
        "person:bob",
        "too strict",
    )
    record = spool.records[-1]
    assert (record.kind, record.asked_by, record.why.reason) == (
        "change.rejected",
        "person:bob",
        "too strict",
    )
    assert record.body["requested_by"] == "person:alice"
    with pytest.raises(ControlConflict, match="was rejected by person:bob"):
        approve(controls, hash_)
    assert in_force(controls) == two_persons().files


def test_a_proposal_is_withdrawn_by_who_made_it(controls: Controls, spool: Spool) -> None:
    """And by nobody else."""
    hash_ = proposed(controls)
    with pytest.raises(ControlForbidden, match="person:alice asked for this change and alone"):
        asyncio.run(controls.changes.withdraw(hash_, "", BOB))
    asyncio.run(controls.changes.withdraw(hash_, "mistake", ALICE))
    asyncio.run(controls.changes.withdraw(hash_, "mistake", ALICE))
    assert spool.kinds.count("change.withdrawn") == 1
    with pytest.raises(ControlConflict, match="was withdrawn by person:alice"):
        approve(controls, hash_)
    with pytest.raises(ControlConflict, match="was withdrawn"):
        asyncio.run(controls.changes.reject(hash_, "no", BOB))


def test_of_two_approvals_at_once_one_counts(controls: Controls, spool: Spool) -> None:
    """The second finds what the first decided; the same person gets the same answer again."""
    dana = caller("person:dana", Role.POLICY)
    hash_ = proposed(controls)

    async def both() -> tuple[Any, ...]:
        return await asyncio.gather(
            controls.changes.approve(hash_, "", BOB),
            controls.changes.approve(hash_, "", dana),
            controls.changes.approve(hash_, "", BOB),
            return_exceptions=True,
        )

    first, second, third = asyncio.run(both())
    assert first["applied"]
    assert isinstance(second, ControlConflict) and "by person:bob" in str(second)
    assert (third["applied"], third["at"]) == (True, first["at"])
    assert spool.kinds.count("registry.applied") == 2


def test_without_its_record_nothing_is_decided(controls: Controls, spool: Spool) -> None:
    """A spool that takes nothing leaves every proposal as it was."""
    hash_ = proposed(controls)
    spool.full = True
    with pytest.raises(ControlUnavailable):
        approve(controls, hash_)
    with pytest.raises(ControlUnavailable):
        asyncio.run(controls.changes.reject(hash_, "no", BOB))
    with pytest.raises(ControlUnavailable):
        asyncio.run(controls.apply(two_persons(tools__t=TOOL), WHY, ALICE))
    assert state(controls, hash_) == "open"
    assert len(controls.changes.listed(CAROL, all=True)) == 1
    spool.full = False
    assert approve(controls, hash_)["applied"]


def test_a_crash_before_the_effect_leaves_the_proposal_open(
    controls: Controls, spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The record is there, the version is not: approving again brings it into force, under a
    second record of the same hash."""
    hash_ = proposed(controls)
    with monkeypatch.context() as crash:
        crash.setattr("auditspan.collector.control.versions.write_atomic", _crash)
        with pytest.raises(KeyboardInterrupt):
            approve(controls, hash_)
    assert in_force(controls) == two_persons().files
    assert state(controls, hash_) == "open"
    assert approve(controls, hash_)["applied"]
    assert in_force(controls) == CHANGED.files
    assert [record.proposal for record in spool.records[-2:]] == [hash_, hash_]


def test_a_crash_before_the_decision_is_mended_by_looking(
    controls: Controls, spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The version in force names the proposal, so that it is known to be approved."""
    hash_ = proposed(controls)
    with monkeypatch.context() as crash:
        crash.setattr("auditspan.collector.control.proposals.write_atomic", _crash)
        with pytest.raises(KeyboardInterrupt):
            approve(controls, hash_)
    assert in_force(controls) == CHANGED.files
    assert state(controls, hash_) == "approved"
    assert approve(controls, hash_)["applied"]
    with pytest.raises(ControlConflict, match="was approved by person:bob"):
        asyncio.run(controls.changes.withdraw(hash_, "", ALICE))
    assert spool.kinds.count("registry.applied") == 2


def test_asking_twice_is_one_proposal(controls: Controls, spool: Spool) -> None:
    """The answer to the first was lost, say; another reason or person is another proposal."""
    first = proposed(controls)
    assert proposed(controls) == first
    assert proposed(controls, who=BOB) != first
    assert spool.kinds.count("change.proposed") == 2
    asyncio.run(controls.changes.withdraw(first, "", ALICE))
    assert proposed(controls) != first


def test_proposals_do_not_pile_up(controls: Controls, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each holds a whole registry, so that there is a most."""
    assert MAX_OPEN == 100
    monkeypatch.setattr("auditspan.collector.control.changes.MAX_OPEN", 2)
    first = proposed(controls)
    proposed(controls, who=BOB)
    with pytest.raises(ControlConflict, match="2 proposals are open, at most 2"):
        proposed(controls, who=OLGA)
    approve(controls, first)
    proposed(controls, two_persons(), who=OLGA)


def test_a_proposal_is_found_by_the_start_of_its_hash(controls: Controls) -> None:
    """Eight hex digits are enough if they are one's own; fewer are refused."""
    hash_ = proposed(controls)
    for start in (hash_, hash_[7:], hash_[7:15], hash_[:15].upper().replace("SHA256:", "sha256:")):
        assert controls.changes.show(start, CAROL)["id"] == hash_
    for wrong in (hash_[7:14], "", "../../../etc", "zzzzzzzz", "sha256:", "0" * 65):
        with pytest.raises(ControlInvalid, match="expected 8 to 64 hex digits"):
            controls.changes.show(wrong, CAROL)
    other = "0" * 8 if not hash_[7:].startswith("0" * 8) else "1" * 8
    with pytest.raises(NotFound, match="no proposal begins"):
        controls.changes.show(other, CAROL)


def test_an_ambiguous_start_is_refused(controls: Controls) -> None:
    """Two that begin alike are told apart by more digits."""
    hash_ = proposed(controls)
    folder = controls.changes.proposals.folder
    (folder / f"{hash_[7:15]}{'0' * 56}.json").write_text("{}")
    with pytest.raises(NotFound, match="several proposals begin"):
        approve(controls, hash_[7:15])
    assert approve(controls, hash_)["applied"]


def test_a_proposal_that_was_changed_on_disk_is_refused(controls: Controls) -> None:
    """Its name is the hash of its bytes, so that what is approved is what was looked at."""
    hash_ = proposed(controls)
    path = controls.changes.proposals.folder / f"{hash_[7:]}.json"
    assert hashlib.sha256(path.read_bytes()).hexdigest() == hash_[7:]
    assert path.stat().st_mode & 0o777 == 0o600
    path.write_text(path.read_text().replace("amount < 50", "amount < 50000"))
    with pytest.raises(ControlInvalid, match="it was changed after it was proposed"):
        approve(controls, hash_)
    assert controls.changes.listed(CAROL, all=True) == []
    assert in_force(controls) == two_persons().files


def test_a_proposal_shows_its_difference(controls: Controls) -> None:
    """Against the version it was made for, also when that is no longer in force."""
    hash_ = proposed(controls)
    shown = controls.changes.show(hash_, CAROL)
    assert [(change["kind"], change["name"]) for change in shown["changes"]] == [  # type: ignore[union-attr,index,call-overload]
        ("policy", "policies/p.cedar")
    ]
    assert shown["ticket"] == "T-1"
    approve(controls, hash_)
    assert controls.changes.show(hash_, CAROL)["changes"] == shown["changes"]
    with pytest.raises(ControlForbidden):
        controls.changes.show(hash_, caller("person:dave"))
    assert controls.changes.listed(caller("person:dave"), all=True) == []


def test_another_kind_of_change_is_one_entry(tmp_path: Path, spool: Spool) -> None:
    """The same rules, its own actions; what it does is its own business."""
    done: list[ControlRecord] = []
    privacy = caller("person:dora", Role.PRIVACY)
    other = caller("person:dan", Role.PRIVACY)

    def check(body: Fields) -> Effect:
        if "subject" not in body:
            raise ControlInvalid("subject: expected one")
        return Effect("subject.erased", {"id": body["subject"]}, done.append, {"count": 3})

    handler = Handler(
        "erasure",
        Action.PROPOSE_ERASURE,
        Action.APPROVE_ERASURE,
        check,
        lambda body, base: {"body": body},
        see=Action.PROPOSE_ERASURE,
    )
    controls = open_controls(tmp_path, tmp_path / "k.json", spool.submit, handlers=(handler,))
    controls.journal.now_ns = ticking()
    asyncio.run(controls.apply(two_persons(), WHY, ALONE))
    changes: Changes = controls.changes
    asked = asyncio.run(changes.propose("erasure", {"subject": "s1"}, WHY, privacy))
    hash_ = str(asked["proposal"])
    for wrong in (BOB, privacy):
        with pytest.raises(ControlForbidden):
            approve(controls, hash_, wrong)
    assert changes.listed(BOB) == []
    asyncio.run(controls.apply(CHANGED, WHY, ALICE))
    assert approve(controls, hash_, other)["count"] == 3
    assert [(r.kind, r.agreed_by) for r in done] == [("subject.erased", "person:dan")]
    with pytest.raises(ControlInvalid, match="kind: is 'odd', expected one of registry, erasure"):
        asyncio.run(changes.propose("odd", {}, WHY, privacy))
    with pytest.raises(ControlInvalid, match="subject"):
        asyncio.run(changes.propose("erasure", {}, WHY, privacy))


TOOL = two_persons().files["tools/t.yaml"].replace("effect: external", "effect: write")


def _crash(*_: object) -> None:
    """As if the process ended here."""
    raise KeyboardInterrupt
