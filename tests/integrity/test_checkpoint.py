"""Checkpoints are three lines and nothing else."""

from pathlib import Path

import pytest

from auditspan.integrity.checkpoint import Checkpoint, checkpoint_of, parse_checkpoint
from auditspan.integrity.errors import NoteInvalid
from auditspan.integrity.merkle import EMPTY_ROOT
from auditspan.integrity.note import parse_note

PUBLISHED = Path(__file__).parents[1] / "vectors" / "integrity" / "c2sp-cosigned-checkpoint.txt"


def test_the_published_one() -> None:
    """The example of https://c2sp.org/tlog-cosignature, with log's and witness's lines."""
    note = parse_note(PUBLISHED.read_bytes())
    checkpoint = parse_checkpoint(note.text)
    assert (checkpoint.origin, checkpoint.size) == ("example.com/behind-the-sofa", 20852163)
    assert checkpoint.text == note.text
    assert [len(each.data) for each in note.signatures] == [64, 72]
    assert note.encode() == PUBLISHED.read_bytes()
    assert checkpoint_of(PUBLISHED.read_bytes()) == checkpoint


@pytest.mark.parametrize(
    "note",
    [
        b"",
        b"\xff",
        b"a\n1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n",
        b"no checkpoint\n\n\xe2\x80\x94 a TD7Nd3UV6eE=\n",
    ],
)
def test_what_is_no_note_and_what_is_no_checkpoint_are_one_error(note: bytes) -> None:
    """Whoever reads what may be neither catches `NoteInvalid`, whichever it is."""
    with pytest.raises(NoteInvalid):
        checkpoint_of(note)


@pytest.mark.parametrize("size", [0, 1, 2**63 - 1])
def test_texts_round_trip(size: int) -> None:
    """What is written is read."""
    checkpoint = Checkpoint("audit.example/log", size, EMPTY_ROOT)
    assert parse_checkpoint(checkpoint.text) == checkpoint


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a\n1\n",
        "a\n1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
        "a\n1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\nextension\n",
        "\n1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n",
        "a\n01\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n",
        "a\n-1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n",
        "a\n1 \n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n",
        "a\n\u0661\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n",
        "a\n9223372036854775808\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n",
        "a\n1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU\n",
        "a\n1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFV=\n",
        "a\n1\nAAAA\n",
        "a\n0\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n",
    ],
)
def test_other_texts_are_refused(text: str) -> None:
    """Missing and extra lines, other spellings of a number or a root, a tree of nothing."""
    with pytest.raises(NoteInvalid):
        parse_checkpoint(text)


def test_an_origin_is_one_line() -> None:
    """It could otherwise bring a size of its own."""
    with pytest.raises(NoteInvalid):
        Checkpoint("a\n5", 1, EMPTY_ROOT)
