"""Policies of before and after a key was replaced, in one."""

import pytest

from auditspan.cli.errors import OptionInvalid
from auditspan.cli.merged_policy import merged
from auditspan.integrity.checkpoint import Checkpoint
from auditspan.integrity.errors import PolicyInvalid
from auditspan.integrity.keys import LocalSigner, new_cosigner, new_signer
from auditspan.integrity.note import make_note, sign_line
from auditspan.integrity.policy import parse_policy, policy_text

OLD, NEW = new_signer("a.example/one/root"), new_signer("a.example/two/root")
WITNESSES = {number: new_cosigner(f"a.example/{number}/notary") for number in range(4)}


def policy(log: LocalSigner, *numbers: int) -> bytes:
    """It asks for all of these witnesses."""
    witnesses = {f"notary{n}": WITNESSES[n].verifier for n in numbers}
    return policy_text([log.verifier], witnesses, list(witnesses)).encode()


def note(log: LocalSigner, *numbers: int) -> bytes:
    """A checkpoint with these cosignatures."""
    text = Checkpoint(log.name, 1, bytes(32)).text
    lines = [sign_line(text, log), *(sign_line(text, WITNESSES[n], 9) for n in numbers)]
    return make_note(text, lines)


def test_what_met_one_of_them_meets_both() -> None:
    """And what met neither does not."""
    both = parse_policy(merged([policy(OLD, 1, 2), policy(NEW, 0)]).encode())
    assert [log.name for log in both.logs] == [OLD.name, NEW.name]
    for met in (note(NEW, 0), note(OLD, 1, 2), note(OLD, 0)):
        assert both.accept(met).checkpoint.size == 1
    for unmet in (note(NEW), note(OLD, 1), note(NEW, 3)):
        with pytest.raises(PolicyInvalid, match="quorum"):
            both.accept(unmet)


def test_a_third_one_is_added() -> None:
    """To what was merged before, whose names stay apart."""
    two = merged([policy(NEW, 0), policy(OLD, 1)]).encode()
    three = parse_policy(merged([policy(new_signer("a.example/three/root"), 3), two]).encode())
    for met in (note(NEW, 0), note(OLD, 1), note(OLD, 3)):
        assert three.accept(met).checkpoint.size == 1


def test_what_cannot_be_merged_is_refused() -> None:
    """The same policy twice, one that asks for nobody, one that is none."""
    with pytest.raises(PolicyInvalid, match="stands here twice"):
        merged([policy(NEW, 0), policy(NEW, 0)])
    with pytest.raises(OptionInvalid, match="no witness at all"):
        merged([policy(NEW, 0), policy(OLD)])
    with pytest.raises(PolicyInvalid):
        merged([policy(NEW, 0), b"nothing"])
