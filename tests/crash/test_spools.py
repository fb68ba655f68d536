"""A spool file that the disk did not keep: what is whole is stored, the rest is not lost."""

from pathlib import Path

from auditspan.wire.damage import Piece, pieces
from tests.crash.clients import Sender, over_http
from tests.crash.collector import Collector
from tests.crash.comparing import stored_spans

REQUESTS = 12
FIRST = 1 << 48


def test_damaged_spool_files(collector: Collector) -> None:
    """A flipped bit in every region of a frame, in an open and in a closed segment; a cut one."""
    # Nothing leaves the open segment before the kill.
    collector.config = collector.config.replace("batch_seconds: 0.7", "batch_seconds: 60")
    sender = over_http(-1)
    expected: set[int] = set()
    dead: list[bytes] = []
    for turn, (damage, closed) in enumerate(((flip, False), (flip, True), (cut, True))):
        collector.start()
        collector.addresses()
        sender.close()
        sender = over_http(collector.ports["http"])
        spans = acknowledged(sender, FIRST + 100 * turn)
        collector.kill()
        (path,) = (collector.data / "spool").glob("*.open")
        kept, damaged = damage(path, spans)
        expected |= kept
        dead += damaged
        if closed:
            path.rename(path.with_suffix(".seg"))
    sender.close()
    collector.start()
    collector.until_ready()
    # The segment of this start holds a control record, and stays open.
    collector.until_stored()
    assert collector.terminate() == 0
    assert stored_spans(collector) == dict.fromkeys(expected, 1)
    letters = [path.read_bytes() for path in (collector.data / "dead").glob("*.data")]
    assert sorted(letters) == sorted(dead)
    _, said = collector.command("verify")
    assert "INVALID" not in said, said


def acknowledged(sender: Sender, first: int) -> list[int]:
    """Requests of one span each."""
    spans = list(range(first, first + REQUESTS))
    assert all(sender.send([span]) for span in spans)
    return spans


def flip(path: Path, spans: list[int]) -> tuple[set[int], list[bytes]]:
    """One bit in each region of a frame, each in another frame; the last one hides what follows."""
    data = bytearray(path.read_bytes())
    frames = {span: piece for span in spans for piece in pieces(bytes(data)) if holds(piece, span)}
    regions = (b"\x08\x02", b"\x10\x01", b"\x19", b"sha256:", b'{"', b"\x35", b"execute_tool")
    for span, region in zip(spans, regions, strict=False):
        data[frames[span].offset + frames[span].data.index(region) + 1] ^= 4
    hidden = spans[len(regions)]
    data[frames[hidden].offset + 1] ^= 0x40
    path.write_bytes(data)
    found = list(pieces(bytes(data)))
    assert frames[hidden].offset == found[-1].offset
    return set(), [piece.data for piece in found if piece.problem]


def cut(path: Path, spans: list[int]) -> tuple[set[int], list[bytes]]:
    """The end of the file is gone, from the midst of a frame."""
    data = path.read_bytes()
    frames = {span: piece for span in spans for piece in pieces(data) if holds(piece, span)}
    end = frames[spans[8]].offset + 30
    path.write_bytes(data[:end])
    return set(spans[:8]), [data[frames[spans[8]].offset : end]]


def holds(piece: Piece, span: int) -> bool:
    """Whether a frame is the request of a span."""
    return span.to_bytes(8) in piece.data
