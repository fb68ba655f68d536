"""What was erased is not passed on, and what was not is, wherever the queue stands."""

from pathlib import Path

from auditspan.collector.forward.erased import clear
from auditspan.wire.envelope import CONTROL, OTLP_TRACES, Envelope, frame
from auditspan.wire.segments import read_frames


def segment(folder: Path, *requests: bytes) -> Path:
    """A batch that waits."""
    path = folder / "b-1.seg"
    frames = [
        frame(Envelope(OTLP_TRACES, 7, f"sha256:{at}", "{}", request=request))
        for at, request in enumerate(requests)
    ]
    path.write_bytes(b"".join(frames))
    return path


def test_a_request_is_overwritten_in_its_place(tmp_path: Path) -> None:
    """The others, and all offsets, stay as they are; of any length."""
    for length in (1, 127, 128, 20_000):
        path = segment(tmp_path, b"one", b"S" * length, b"three")
        before = [offset for offset, _ in read_frames(path)]
        assert clear(tmp_path, {"b-1": {"sha256:1"}}) == 1
        frames = list(read_frames(path))
        assert [offset for offset, _ in frames] == before
        assert [each.kind for _, each in frames] == [OTLP_TRACES, CONTROL, OTLP_TRACES]
        assert [each.request for _, each in frames] == [b"one", b"", b"three"]
        assert b"SS" not in path.read_bytes()
        assert clear(tmp_path, {"b-1": {"sha256:1"}}) == 0


def test_what_does_not_wait_is_no_error(tmp_path: Path) -> None:
    """It was passed on, or another batch is meant; a torn end is left alone."""
    assert clear(tmp_path / "none", {"b-1": {"sha256:0"}}) == 0
    path = segment(tmp_path, b"one", b"two")
    path.write_bytes(path.read_bytes()[:-2])
    assert clear(tmp_path, {"b-1": {"sha256:0"}, "b-2": {"sha256:0"}}) == 1
    assert b"one" not in path.read_bytes()
