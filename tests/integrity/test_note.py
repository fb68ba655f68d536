"""Signed notes: those of the specification verify, and nothing malformed gets through."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditspan.integrity.errors import KeyInvalid, NoteInvalid
from auditspan.integrity.note import (
    COSIGNATURE,
    ED25519,
    MAX_BYTES,
    Note,
    Signature,
    Verifier,
    make_note,
    open_note,
    parse_note,
    sign_line,
)
from tests.integrity.trail import signer

VECTORS = Path(__file__).parents[1] / "vectors" / "integrity"
"""`c2sp-*` are of https://c2sp.org/signed-note and tlog-cosignature, `go-*` of the example of
golang.org/x/mod/sumdb/note."""

C2SP_KEY = (VECTORS / "c2sp-signed-note.vkey").read_text().strip()
LOG, WITNESS = signer("audit.example/log"), signer("audit.example/witness", COSIGNATURE)
TEXT = "first\n\nsecond\n"


def signed(*lines: Signature) -> bytes:
    """A note of ours."""
    return make_note(TEXT, lines or [sign_line(TEXT, LOG), sign_line(TEXT, WITNESS, 1_700_000_000)])


@pytest.mark.parametrize("name", ["c2sp-signed-note", "go-note"])
def test_published_notes_verify(name: str) -> None:
    """Keys and notes that others made."""
    vkey = (VECTORS / f"{name}.vkey").read_text().strip()
    note = (VECTORS / f"{name}.txt").read_bytes()
    verifier = Verifier.parse(vkey)
    assert verifier.vkey == vkey
    opened = open_note(note, [verifier])
    assert opened.text.encode() == note.partition(b"\n\n")[0] + b"\n"
    assert parse_note(note).encode() == note


def test_an_empty_line_may_stand_in_the_text() -> None:
    """The last one divides text and signatures."""
    poem = (VECTORS / "c2sp-poem.txt").read_bytes()
    note = parse_note(poem)
    assert note.text.endswith("\n\ned è subito sera.\n")
    assert (note.signatures[0].name, note.encode()) == ("quasimodo.example/salvatore", poem)


def test_our_notes() -> None:
    """Signed by a log, cosigned with a time; both are found again, in the order of the note."""
    opened = open_note(signed(), [WITNESS.verifier, LOG.verifier])
    assert opened.text == TEXT
    found = [(each.verifier, each.seconds) for each in opened.verified]
    assert found == [(LOG.verifier, 0), (WITNESS.verifier, 1_700_000_000)]


def test_unknown_signatures_are_ignored() -> None:
    """One trusted signature is enough; others of a name or id, but not both, do not matter."""
    mine = sign_line(TEXT, LOG)
    other = Signature(mine.name, b"\0\0\0\0", mine.data)
    another = Signature("x", mine.key_id, mine.data)
    note = make_note(TEXT, [other, another, mine])
    assert len(open_note(note, [LOG.verifier]).verified) == 1
    with pytest.raises(NoteInvalid, match="no key that is trusted"):
        open_note(make_note(TEXT, [other, another]), [LOG.verifier])


def test_a_wrong_signature_of_a_known_key_spoils_the_note() -> None:
    """It is not passed over for another that is right."""
    mine = sign_line(TEXT, LOG)
    wrong = Signature(mine.name, mine.key_id, bytes(64))
    with pytest.raises(NoteInvalid, match="does not verify"):
        open_note(make_note(TEXT, [wrong, sign_line(TEXT, WITNESS, 5)]), [
            LOG.verifier, WITNESS.verifier])  # fmt: skip
    short = Signature(mine.name, mine.key_id, bytes(8))
    with pytest.raises(NoteInvalid, match="malformed"):
        open_note(make_note(TEXT, [short]), [LOG.verifier])


def test_the_time_of_a_cosignature_is_signed() -> None:
    """Another time does not verify, nor one beyond what is allowed, nor none."""
    line = sign_line(TEXT, WITNESS, 1_700_000_000)
    for data in (
        b"\0" * 8 + line.data[8:],
        b"\xff" * 8 + line.data[8:],
        line.data[:7],
        line.data[8:],
    ):
        with pytest.raises(NoteInvalid):
            open_note(
                make_note(TEXT, [Signature(line.name, line.key_id, data)]), [WITNESS.verifier]
            )


@pytest.mark.parametrize(
    "damage",
    [
        lambda note: note[:-1],
        lambda note: note + b"\n",
        lambda note: note.replace(b"\n\n\xe2", b"\n\xe2"),
        lambda note: note.replace("—".encode(), b"-"),
        lambda note: note.replace(b"first", b"fir\tst"),
        lambda note: note.replace(b"first", b"fir\rst"),
        lambda note: note.replace(b"first", b"fir\xffst"),
        lambda note: note.replace(b"audit.example/log ", b"audit.example/log  "),
        lambda note: note.replace(b"audit.example/log ", b"audit+example/log "),
        lambda note: note.replace(b"audit.example/log ", "audit\u00a0example ".encode()),
        lambda note: note.replace(b"=\n", b"\n", 1),
        lambda note: note.replace(b"audit.example/log ", b"audit.example/log !"),
        lambda note: note + b"\xe2\x80\x94 x AAAA\n",
        lambda note: note + "— x AAAAAA==\n".encode() * 100,
        lambda note: b"x" * MAX_BYTES + note,
        lambda note: b"\n" + note.rpartition(b"\n\n")[2],
        lambda note: b"",
    ],
)
def test_malformed_notes_are_refused(damage) -> None:  # type: ignore[no-untyped-def]
    """Ends, lines, names, base64, characters and sizes."""
    with pytest.raises(NoteInvalid):
        parse_note(damage(signed()))


@given(st.binary(max_size=300))
def test_any_bytes_are_refused_or_round_trip(data: bytes) -> None:
    """The parser has one error, and what it takes it gives back."""
    try:
        note = parse_note(data)
    except NoteInvalid:
        return
    assert note.encode() == data


@given(st.integers(0, 10_000), st.binary(max_size=4), st.integers(0, 8))
def test_notes_with_bytes_exchanged(at: int, more: bytes, cut: int) -> None:
    """No note near a signed one opens with another text."""
    whole = signed()
    place = at % len(whole)
    data = whole[:place] + more + whole[place + cut :]
    try:
        opened = open_note(data, [LOG.verifier])
    except NoteInvalid:
        return
    assert opened.text == TEXT
    assert parse_note(data).encode() == data


def test_sixteen_signatures_and_more() -> None:
    """As many as the specification demands."""
    assert len(open_note(signed(*[sign_line(TEXT, LOG)] * 100), [LOG.verifier]).verified) == 100


@pytest.mark.parametrize(
    "vkey",
    [
        "",
        "example.com/foo",
        "example.com/foo+530d903a",
        C2SP_KEY.replace("530d903a", "530d903b"),
        C2SP_KEY.replace("530d903a", "530D903A"),
        C2SP_KEY.replace("AekyeRrm", "Aekyerrm"),
        C2SP_KEY + "=",
        C2SP_KEY.replace("foo", "fo o"),
        "x+00000000+AA==",
        "x+00000000+Ag==",
        "+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
    ],
)
def test_malformed_keys_are_refused(vkey: str) -> None:
    """Parts, digits, types, names and ids that do not fit."""
    with pytest.raises(KeyInvalid):
        Verifier.parse(vkey)


def test_one_key_of_two_types_has_two_ids() -> None:
    """A signature of one type is not taken for one of the other."""
    log = Verifier("x", ED25519, LOG.verifier.public)
    witness = Verifier("x", COSIGNATURE, LOG.verifier.public)
    assert log.key_id != witness.key_id


def test_no_note_is_made_that_could_not_be_read() -> None:
    """A text that does not end, a control character, no signature."""
    line = sign_line(TEXT, LOG)
    for text, lines in (("a", [line]), ("a\tb\n", [line]), ("", [line]), (TEXT, [])):
        with pytest.raises(NoteInvalid):
            make_note(text, lines)
    assert Note(TEXT, (line,)).encode() == make_note(TEXT, [line])
