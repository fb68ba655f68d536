"""Damage to spool files: what is whole is read, the rest is set aside, nothing is silently gone."""

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from auditspan.storage.engine import open_memory
from auditspan.storage.salvage import decode_salvaging
from auditspan.wire.damage import pieces
from auditspan.wire.envelope import OTLP_TRACES, Envelope, frame
from auditspan.wire.segments import recover
from auditspan.wire.varint import MAX_BYTES, decode_varint
from tests.conformance.by_hand import varint
from tests.end_to_end import bodies
from tests.fuzz.driving import drive

NAME = "i-1795000000000-00000001"
DAMAGE = ("flip", "cut", "drop", "insert", "overwrite", "zero")
"""What disks do; they do not write a frame a second time."""
_GAP = b"\0gap between pieces\0"


def _frame(number: int, size: int) -> bytes:
    request = bodies.request(f"span {number}", 1, note="x" * size)
    [span] = request.resource_spans[0].scope_spans[0].spans
    span.trace_id, span.span_id = number.to_bytes(16), number.to_bytes(8)
    sender = '{"id":"agent:a","kind":"agent"}'
    body = request.SerializeToString()
    return frame(Envelope(OTLP_TRACES, number, "sha256:" + "0" * 64, sender, body))


FRAMES = [_frame(number, size) for number, size in enumerate((10, 300, 0, 5_000, 40), 1)]


def _message(data: bytes) -> bytes:
    return data[decode_varint(data[:MAX_BYTES])[1] :]


MESSAGES = [_message(data) for data in FRAMES]
SEED = b"".join(FRAMES)


def _recovered(folder: Path, damaged: bytes, suffix: str) -> tuple[bytes, bytes]:
    """The segment after a start, and what was kept beside it."""
    path = folder / f"{NAME}{suffix}"
    path.write_bytes(damaged)
    recover(folder)
    left = folder / f"{NAME}.seg"
    beside = b"".join(found.read_bytes() for found in folder.glob(".damaged-*"))
    return left.read_bytes() if left.exists() else b"", beside


def _looked_at(damaged: bytes, suffix: str) -> None:
    with TemporaryDirectory() as name:
        segment, beside = _recovered(Path(name), damaged, suffix)
    found = list(pieces(segment))
    assert b"".join(piece.data for piece in found) == segment
    assert damaged.startswith(segment)
    assert beside in (b"", damaged[len(segment) :])
    read = [_message(piece.data) for piece in found if not piece.problem]
    # A damaged length may cut a message into several bad pieces.
    aside = b"".join(piece.data if piece.problem else _GAP for piece in found) + beside
    assert set(read) <= set(MESSAGES)
    for message in MESSAGES:
        # What is whole on the disk is read, or stands as it is in what is set aside.
        if message in damaged:
            assert message in read or message in aside, MESSAGES.index(message)


def test_any_damage_to_an_open_segment() -> None:
    """After a crash: only an end that is no whole frame is cut off."""
    done = drive(lambda data: _looked_at(data, ".open"), [SEED, SEED[:-7], FRAMES[0]], 400, DAMAGE)
    print(f"spool: {done} open segments")


def test_any_damage_to_a_closed_segment() -> None:
    """Nothing of it is cut off at all."""

    def check(data: bytes) -> None:
        _looked_at(data, ".seg")
        with TemporaryDirectory() as name:
            assert _recovered(Path(name), data, ".seg") == (data, b"")

    done = drive(check, [SEED, SEED[:-7], FRAMES[0]], 200, DAMAGE)
    print(f"spool: {done} closed segments")


@pytest.mark.parametrize("before", [0, 1])
def test_a_damaged_last_frame_is_kept(tmp_path: Path, before: int) -> None:
    """With its length or its content changed; also if it is the only one."""
    whole = b"".join(FRAMES[:before])
    for number, at in enumerate((0, 1, 30, -1)):
        damaged = bytearray(FRAMES[2])
        damaged[at] ^= 2
        folder = tmp_path / str(number)
        folder.mkdir()
        assert _recovered(folder, whole + damaged, ".open") == (whole, bytes(damaged)), at


@pytest.mark.parametrize("at", range(len(FRAMES)))
def test_a_damaged_length_hides_nothing(at: int) -> None:
    """Whichever frame it is, the last one as well: its message is set aside."""
    head = decode_varint(FRAMES[at][:MAX_BYTES])[1]
    for length in (1, len(FRAMES[at]) + 1, 1 << 20, (1 << 40) + 1):
        other = varint(length) + FRAMES[at][head:]
        damaged = b"".join([*FRAMES[:at], other, *FRAMES[at + 1 :]])
        _looked_at(damaged, ".open")
        _looked_at(damaged, ".seg")


def test_any_damage_is_decoded_around(tmp_path: Path) -> None:
    """By the engine, into the rows of the whole frames and one bad frame for each other piece."""
    engine = open_memory()

    def check(data: bytes) -> None:
        path = tmp_path / f"{NAME}.seg"
        path.write_bytes(data)
        salvaged = decode_salvaging(engine, path)
        whole = [piece for piece in pieces(data) if not piece.problem]
        assert salvaged.table.num_rows == len(whole)
        bad = [frame.data for frame in salvaged.bad]
        assert bad == [piece.data for piece in pieces(data) if piece.problem]

    try:
        done = drive(check, [SEED], 12, DAMAGE)
    finally:
        engine.close()
    print(f"spool: {done} segments decoded")
