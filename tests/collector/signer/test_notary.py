"""The notary signs what extends what it signed, and nothing else, whatever happened in between."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from auditspan.collector.signer import notary as module
from auditspan.collector.signer.errors import KeyMismatch
from auditspan.collector.signer.notary import Notary
from auditspan.collector.signer.protocol import (
    Begin,
    Heads,
    Known,
    Open,
    Opened,
    Refused,
    Revoke,
    Revoked,
    Root,
    RootPart,
    Sign,
    Signed,
    decode,
    encode,
)
from auditspan.integrity.canonical import ENTRY_BYTES
from auditspan.integrity.checkpoint import Checkpoint, parse_checkpoint
from auditspan.integrity.control_entry import Kind, control_entry
from auditspan.integrity.keys import new_signer, write_key
from auditspan.integrity.merkle import Frontier, leaf_hash
from auditspan.integrity.note import Verifier, make_note, open_note, sign_line

NAME = "example.com/auditspan/eu"
LEAVES = [leaf_hash(bytes([number]) * ENTRY_BYTES) for number in range(40)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the signing process keeps everything."""
    tmp_path.chmod(0o700)
    return tmp_path


def started(folder: Path, now_ms: int = 1_795_000_000_000) -> Notary:
    """As after a start: nothing is remembered but what is on disk."""
    return Notary(Begin(str(folder), NAME, "abcd1234"), lambda: now_ms)


def opened(notary: Notary, epoch: str = "2026-11", *, abandon: bool = False) -> str:
    """Origin of a log that was begun."""
    answer = notary.open(Open(epoch, "first", abandon))
    assert isinstance(answer, Opened), answer
    return answer.origin


def question(origin: str, old: int, new: int, *, close: bool = False) -> Sign:
    """Sign a tree of the first `new` leaves."""
    tree = Frontier().extended(LEAVES[:old])
    found = tree.grown(LEAVES[old:new])
    grown, proof = found.tree, found.consistency
    nodes = tuple(node.hex() for node in proof)
    return Sign(origin, old, new, grown.root().hex(), nodes, close)


def signed(notary: Notary, asked: Sign) -> Signed:
    """The note that comes of a question."""
    answer = notary.answer(asked)
    assert isinstance(answer, Signed), answer
    return answer


def test_a_tree_that_grows_is_signed(folder: Path) -> None:
    """The note verifies by the keys that were told, with the notary's time."""
    notary = started(folder)
    origin = opened(notary)
    assert origin == f"{NAME}/abcd1234/2026-11"
    for old, new in ((0, 1), (1, 7), (7, 7), (7, 40)):
        note = signed(notary, question(origin, old, new)).note.encode()
        known = notary.heads().logs[0]
        verifiers = [Verifier.parse(known.vkey), Verifier.parse(notary.begun().notary_vkey)]
        text, verified = open_note(note, verifiers).text, open_note(note, verifiers).verified
        expected = Frontier().extended(LEAVES[:new])
        checkpoint = parse_checkpoint(text)
        assert (checkpoint.origin, checkpoint.size) == (origin, new)
        assert checkpoint.root == expected.root()
        assert [one.seconds for one in verified] == [0, 1_795_000_000]


def test_a_clock_that_was_set_back_signs_no_earlier_time(folder: Path) -> None:
    """Also after a restart: records are sealed in an order that signatures must not contradict."""
    origin = opened(started(folder))
    first = signed(started(folder), question(origin, 0, 5))
    later = signed(started(folder, first.signed_at - 90_000), question(origin, 5, 9))
    assert later.signed_at == first.signed_at
    assert signed(started(folder, first.signed_at + 7), question(origin, 9, 12)).signed_at == (
        first.signed_at + 7
    )


@pytest.mark.parametrize("restarted", [False, True])
def test_what_does_not_extend_is_refused(folder: Path, restarted: bool) -> None:
    """A smaller tree, another one of the size, a forged proof, a tree with another beginning."""
    notary = started(folder)
    origin = opened(notary)
    signed(notary, question(origin, 0, 20))
    notary = started(folder) if restarted else notary
    honest = question(origin, 20, 30)
    other = Frontier().extended(reversed(LEAVES[:30])).root().hex()
    for bad in (
        question(origin, 10, 15),
        replace(question(origin, 20, 20), root=other),
        replace(honest, proof=honest.proof[:-1]),
        replace(honest, proof=("00" * 32, *honest.proof[1:])),
        replace(honest, root=other),
        question(origin, 10, 30),
        replace(honest, origin=f"{NAME}/abcd1234/2026-12"),
    ):
        answer = notary.answer(bad)
        assert isinstance(answer, Refused), bad
        assert not answer.retryable
    assert notary.heads().logs[0].size == 20
    signed(notary, honest)


def test_what_is_signed_is_remembered_first(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It died at the signature: another tree of the size is refused, and this one signed."""
    notary = started(folder)
    origin = opened(notary)

    def dies(*_: object) -> bytes:
        raise SystemExit

    with monkeypatch.context() as patch, pytest.raises(SystemExit):
        patch.setattr(module, "make_note", dies)
        notary.answer(question(origin, 0, 5))
    fresh = started(folder)
    assert fresh.heads().logs[0].size == 5
    assert isinstance(fresh.answer(question(origin, 0, 6)), Refused)
    assert signed(fresh, question(origin, 0, 5)).size == 5


def test_the_root_log_holds_every_note(folder: Path) -> None:
    """It has the begun logs and the notes as bodies, and its own note fits its entries."""
    notary = started(folder)
    origin = opened(notary)
    notes = [
        signed(notary, question(origin, 0, 3)).note,
        signed(notary, question(origin, 3, 9)).note,
    ]
    part = started(folder).answer(Root(0))
    assert isinstance(part, RootPart)
    kinds = [entry.kind for entry in part.entries]
    assert kinds == [Kind.LOG_OPEN, Kind.CHECKPOINT, Kind.CHECKPOINT]
    assert [entry.body for entry in part.entries[1:]] == notes
    assert json.loads(part.entries[0].body)["vkey"] == notary.heads().logs[0].vkey
    entries = [control_entry(entry.kind, entry.body) for entry in part.entries]
    tree = Frontier().extended(map(leaf_hash, entries))
    begun = notary.begun()
    verifiers = [Verifier.parse(key) for key in (begun.root_vkey, begun.notary_vkey)]
    checkpoint = parse_checkpoint(open_note(part.note.encode(), verifiers).text)
    assert checkpoint == Checkpoint(f"{NAME}/root", 3, tree.root())
    later = notary.answer(Root(2, limit=1))
    assert isinstance(later, RootPart)
    assert [entry.index for entry in later.entries] == [2]


def test_a_torn_root_log_is_cut(folder: Path) -> None:
    """What was appended and not counted was never signed; a file that lacks bytes is refused."""
    notary = started(folder)
    origin = opened(notary)
    signed(notary, question(origin, 0, 3))
    for name in ("root.jsonl", "root.index"):
        with (folder / name).open("ab") as file:
            file.write(b'[16,"torn')
    again = started(folder)
    signed(again, question(origin, 3, 5))
    part = again.answer(Root(0))
    assert isinstance(part, RootPart)
    assert len(part.entries) == part.size == 3
    (folder / "root.jsonl").write_bytes(b"")
    with pytest.raises(ValueError, match=r"root\.jsonl: expected \d+ bytes, found 0"):
        started(folder)


def test_a_closed_log_has_no_key(folder: Path) -> None:
    """Its last note can be had again, and nothing more is signed; the next log has a key."""
    notary = started(folder)
    origin = opened(notary)
    key = folder / "2026-11.key"
    assert key.stat().st_mode & 0o777 == 0o600
    assert isinstance(notary.open(Open("2026-12", "next")), Refused)
    last = signed(notary, question(origin, 0, 3, close=True))
    assert not key.exists()
    assert signed(started(folder), question(origin, 0, 3)).note == last.note
    assert isinstance(notary.answer(question(origin, 3, 4)), Refused)
    following = opened(notary, "2026-12")
    assert signed(notary, question(following, 0, 2)).size == 2
    assert [log.state for log in notary.heads().logs] == ["closed", "open"]


def test_an_abandoned_log_is_never_signed_again(folder: Path) -> None:
    """Not even the tree that was."""
    notary = started(folder)
    origin = opened(notary)
    asked = question(origin, 0, 3)
    signed(notary, asked)
    opened(notary, "2026-11.2", abandon=True)
    for again in (notary, started(folder)):
        assert isinstance(again.answer(asked), Refused)
        assert not (folder / "2026-11.key").exists()


def test_a_name_is_used_once(folder: Path) -> None:
    """A log of that name would have two keys."""
    notary = started(folder)
    opened(notary)
    assert isinstance(notary.open(Open("2026-11", "recovered", abandon=True)), Refused)
    assert notary.heads().logs[0].state == "open"


def test_keys_with_a_passphrase(folder: Path) -> None:
    """Nothing begins with the wrong one, and the message does not hold it."""
    begin = Begin(str(folder), NAME, "abcd1234", "correct horse")
    vkey = Notary(begin).begun().root_vkey
    assert b"ENCRYPTED" in (folder / "root.key").read_bytes()
    assert Notary(begin).begun().root_vkey == vkey
    with pytest.raises(Exception, match="passphrase") as caught:
        Notary(replace(begin, passphrase="battery staple"))
    assert "battery" not in str(caught.value) and "horse" not in repr(begin)


def test_messages_come_back_as_they_were(folder: Path) -> None:
    """Every question and answer, nested ones too."""
    notary = started(folder)
    asked = question(opened(notary), 0, 9)
    for message in (
        notary.begin, notary.begun(), Heads(), asked, signed(notary, asked), notary.heads(),
        Root(0), notary.root(Root(0)), Open("x", "first"), Refused("no", retryable=True),
    ):  # fmt: skip
        assert decode(encode(message)) == message
    for line in (b"{}", b"[]", b'{"type": "Heads", "x": 1}', b'{"type": "Nothing"}'):
        with pytest.raises(ValueError, match=r"message|object"):
            decode(line)
    assert isinstance(notary.answer(Heads()), Known)
    assert isinstance(notary.answer(notary.begin), Refused)


def test_a_key_is_revoked_once(folder: Path) -> None:
    """The root log says how far it counts; that can only become less."""
    notary = started(folder)
    origin = opened(notary)
    vkey = notary.heads().logs[0].vkey
    refused = notary.answer(Revoke(vkey, -1))
    assert isinstance(refused, Refused) and "close it first" in refused.reason
    signed(notary, question(origin, 0, 9, close=True))
    for asked, good in ((12, 9), (-1, 9), (4, 4), (9, 4), (4, 4)):
        notary = started(folder)
        assert notary.answer(Revoke(vkey, asked)) == Revoked(origin, vkey, good)
        assert notary.heads().logs[0].good == good
    part = notary.root(Root(0))
    said = [json.loads(entry.body) for entry in part.entries if entry.kind == Kind.KEY_REVOKE]
    assert said == [{"good_until_size": good, "origin": origin, "vkey": vkey} for good in (9, 4)]


def test_an_unknown_key_is_not_revoked(folder: Path) -> None:
    """Neither another one's, nor that of the root log, which auditors pin."""
    notary = started(folder)
    opened(notary)
    for vkey in (notary.root_signer.vkey, "x"):
        refused = notary.answer(Revoke(vkey, -1))
        assert isinstance(refused, Refused) and not refused.retryable


@pytest.mark.parametrize("file", ["root", "notary"])
def test_a_key_that_has_signed_is_not_replaced(folder: Path, file: str) -> None:
    """Neither by a new one, if it is gone, nor by another one that lies there."""
    opened(started(folder))
    kept = (folder / f"{file}.key").read_bytes()
    (folder / f"{file}.key").unlink()
    with pytest.raises(KeyMismatch, match=rf"{file}\.key is missing: restore it"):
        started(folder)
    assert not (folder / f"{file}.key").exists()
    write_key(folder / f"{file}.key", new_signer("other").private)
    with pytest.raises(KeyMismatch, match="has not signed the newest note"):
        started(folder)
    (folder / f"{file}.key").write_bytes(kept)
    assert started(folder).heads().root_size == 1


def test_what_was_signed_and_is_not_known_here_is_not_signed_anew(folder: Path) -> None:
    """The folder is lost, or an old one was put back: the keys alone make another history."""
    notary = started(folder)
    opened(notary)
    seen = Begin(str(folder), NAME, "abcd1234", root_seen=1)
    assert Notary(seen).heads().root_size == 1
    with pytest.raises(KeyMismatch, match=r"2 entries of .*/root were signed .* and 1 are known"):
        Notary(replace(seen, root_seen=2))
    (folder / "state.json").unlink()
    with pytest.raises(KeyMismatch, match=r"service\.integrity\.deployment to another name"):
        Notary(seen)
    Notary(replace(seen, root_seen=0))


def test_the_root_log_before_is_in_the_new_one(folder: Path) -> None:
    """Once, behind the first log's beginning."""
    root = new_signer("example.com/auditspan/old/root")
    text = Checkpoint(root.name, 7, bytes(32)).text
    before = make_note(text, [sign_line(text, root)]).decode()
    begin = Begin(str(folder), NAME, "abcd1234", root_before=before)
    opened(Notary(begin))
    opened(Notary(begin), "2026-11.2", abandon=True)
    entries = Notary(begin).root(Root(0)).entries
    assert [entry.kind for entry in entries] == [Kind.LOG_OPEN, Kind.CHECKPOINT, Kind.LOG_OPEN]
    assert entries[1].body == before
