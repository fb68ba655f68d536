"""A proposal is its bytes: read back as written, and refused when they are others."""

import hashlib
import json
from pathlib import Path

import pytest

from auditspan.collector.control.errors import ControlInvalid
from auditspan.collector.control.proposals import Decision, Proposal, Proposals
from auditspan.collector.control.records import Party, Why

ALICE = Party(principal="person:alice", method="api_key", credential="ka", issued_by="operator")


def proposal(**fields: object) -> Proposal:
    """A proposal with other fields on demand."""
    plain: dict[str, object] = {
        "kind": "registry",
        "body": {"files": {"b": "größer", "a": "\u2028"}},
        "base": "sha256:0",
        "requester": ALICE,
        "why": Why(reason="because"),
        "at": "2026-11-25T08:00:00.000001Z",
    }
    return Proposal.model_validate(plain | fields)


def test_the_form_is_fixed() -> None:
    """The hash of a proposal stays what it is: another release must find it."""
    assert proposal().canonical().decode() == (
        '{"at":"2026-11-25T08:00:00.000001Z","base":"sha256:0","body":{"files":{"a":"\u2028",'
        '"b":"größer"}},"format":1,"kind":"registry","requester":{"credential":"ka",'
        '"issued_by":"operator","method":"api_key","principal":"person:alice"},"why":'
        '{"approved_by":"","reason":"because","requested_by":"","ticket":""}}'
    )
    assert proposal().hash == ("sha256:" + hashlib.sha256(proposal().canonical()).hexdigest())
    assert proposal(base="sha256:1").hash != proposal().hash


@pytest.mark.parametrize("body", [{"a": 2**60}, {"a": "\ud800"}])
def test_what_json_cannot_hold_is_refused(body: object) -> None:
    """Before it is stored."""
    with pytest.raises(ControlInvalid, match="has no canonical JSON"):
        proposal(body=body).canonical()


def test_it_is_read_as_it_was_written(tmp_path: Path) -> None:
    """With its decision, once there is one."""
    made = Proposals(tmp_path / "proposals")
    assert made.hashes() == []
    filed = made.store(proposal())
    assert made.read(filed.hash) == filed
    assert list(made.all(decided=False)) == [filed]
    made.decide(filed.hash, Decision(outcome="rejected", by=ALICE, at="2026-11-26T00:00:00Z"))
    decision = made.read(filed.hash).decision
    assert decision is not None and decision.outcome == "rejected"
    assert list(made.all(decided=False)) == []
    assert [found.hash for found in made.all()] == [filed.hash]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "nonsense",
        '{"format": 2}',
        json.dumps({**json.loads(proposal().canonical()), "more": 1}),
        json.dumps({**json.loads(proposal().canonical()), "requester": None}),
    ],
)
def test_a_file_that_is_no_proposal_is_refused(tmp_path: Path, text: str) -> None:
    """Though its name is right; a listing goes on without it."""
    made = Proposals(tmp_path)
    name = hashlib.sha256(text.encode()).hexdigest()
    (tmp_path / f"{name}.json").write_text(text)
    with pytest.raises(ControlInvalid, match="expected a proposal"):
        made.find(name)
    assert list(made.all()) == []


def test_other_files_are_no_proposals(tmp_path: Path) -> None:
    """Drafts, decisions and what people leave there."""
    for name in ("notes.json", ".x.json", f"{'0' * 64}.decision.json", f"{'0' * 63}.json"):
        (tmp_path / name).write_text("{}")
    assert Proposals(tmp_path).hashes() == []
