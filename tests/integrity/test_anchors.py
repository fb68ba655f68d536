"""Receipts are read strictly, and prove nothing by themselves."""

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from auditspan.integrity.anchors import (
    MAX_RAW,
    Receipt,
    check_same_tree,
    decode_receipt,
    decode_receipts,
    encode_receipt,
    path_of,
)
from auditspan.integrity.checkpoint import Checkpoint
from auditspan.integrity.errors import NoteInvalid
from auditspan.integrity.keys import new_signer
from auditspan.integrity.merkle import Frontier, leaf_hash
from auditspan.integrity.note import make_note, sign_line

ORIGIN = "example.org/auditspan/test/root"
SIGNER = new_signer(ORIGIN)


def note(size: int, word: str = "") -> bytes:
    """A signed note of a log of so many entries."""
    leaves = [leaf_hash(f"{word}{index}".encode()) for index in range(size)]
    text = Checkpoint(ORIGIN, size, Frontier().extended(leaves).root()).text
    return make_note(text, [sign_line(text, SIGNER)])


RECEIPT = Receipt("rfc3161", "tsa", 1_800_000_000, note(3), b"\x30\x00raw", "https://tsa.example/")


def test_a_receipt_reads_back_as_local() -> None:
    """Whatever it was before: only a check makes it external."""
    assert decode_receipt(encode_receipt(RECEIPT)) == RECEIPT
    external = RECEIPT.checked(1_800_000_001)
    assert (external.kind, external.time) == ("external", 1_800_000_001)
    assert decode_receipt(encode_receipt(external)).kind == "local"


def test_it_says_what_its_note_says() -> None:
    """Origin, size and root are not told twice."""
    assert (RECEIPT.origin, RECEIPT.size) == (ORIGIN, 3)
    assert RECEIPT.root == RECEIPT.checkpoint.root
    assert str(3) in path_of(RECEIPT.checkpoint) and path_of(RECEIPT.checkpoint).endswith("3.note")
    assert "raw" not in repr(RECEIPT)


def _without(name: str) -> Callable[[dict[str, Any]], object]:
    return lambda values: {key: value for key, value in values.items() if key != name}


def _with(**changed: object) -> Callable[[dict[str, Any]], object]:
    return lambda values: {**values, **changed}


@pytest.mark.parametrize(
    "change",
    [
        _without("raw"),
        _with(more=1),
        _with(format=2),
        _with(time="now"),
        _with(time=True),
        _with(time=-1),
        _with(time=10**15),
        _with(note="no note"),
        _with(note="\ud800"),
        _with(raw="%"),
        _with(raw=base64.b64encode(bytes(MAX_RAW + 1)).decode()),
        _with(type=None),
        lambda values: [values],
        lambda values: None,
    ],
)
def test_other_lines_are_none(change: Callable[[dict[str, Any]], object]) -> None:
    """With what is wrong; nothing else is raised."""
    changed = change(json.loads(encode_receipt(RECEIPT)))
    line = json.dumps(changed, sort_keys=True, separators=(",", ":")).encode() + b"\n"
    with pytest.raises(NoteInvalid):
        decode_receipt(line)


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"{",
        b"[" * 100_000,
        b"\xff\n",
        encode_receipt(RECEIPT)[:-1],
        b" " + encode_receipt(RECEIPT),
        encode_receipt(RECEIPT).replace(b'"time":', b'"time":1,"time":'),
        b"0" * 2_000_001,
    ],
)
def test_another_spelling_is_none(line: bytes) -> None:
    """So that a receipt has one digest."""
    with pytest.raises(NoteInvalid):
        decode_receipt(line)


def test_a_file_is_read_line_by_line() -> None:
    """A torn last line is no receipt and no problem; another bad line is one."""
    good, later = encode_receipt(RECEIPT), replace(RECEIPT, note=note(4))
    receipts, problems = decode_receipts(good + b"bad\n" + encode_receipt(later) + good[:50])
    assert receipts == [RECEIPT, later]
    assert problems == ["line 2: receipt is no JSON"]
    assert decode_receipts(b"") == ([], [])


def test_notes_of_one_tree_may_differ_in_signatures_only() -> None:
    """Another root, size or name is another tree."""
    text = RECEIPT.checkpoint.text
    other = new_signer("witness.example")
    twice = make_note(text, [sign_line(text, SIGNER), sign_line(text, other)])
    assert check_same_tree(twice, note(3), "here") == RECEIPT.checkpoint
    for another in (note(4), note(3, "other")):
        with pytest.raises(NoteInvalid, match="here: another tree was anchored"):
            check_same_tree(another, note(3), "here")
