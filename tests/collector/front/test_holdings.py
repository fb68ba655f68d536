"""What senders hold of a spool is counted from its files."""

from pathlib import Path

import pytest

from auditspan.collector.front.holdings import Held, closed_files, held_in
from auditspan.identity.principal import named_principal
from auditspan.wire.envelope import CONTROL, OTLP_TRACES, Envelope, frame


def taken(name: str, size: int, at: int) -> bytes:
    """A frame of a request of so many bytes."""
    principal = named_principal(f"agent:{name}", "jwt", "k", "127.0.0.1", 0)
    return frame(Envelope(OTLP_TRACES, at, "sha256:0", principal.to_json(), request=b"x" * size))


def test_each_sender_is_counted_in_each_segment(tmp_path: Path) -> None:
    """Parts of a large one included; what is open or a control record is not."""
    control = frame(Envelope(CONTROL, 9, "sha256:1", "{}", control="{}"))
    contents = {
        "i-1-1.seg": taken("a", 10, 1) + taken("b", 5, 2) + taken("a", 3, 4),
        "i-1-2.p0000.seg": control + taken("a", 7, 5),
        "i-1-3.open": taken("a", 100, 6),
    }
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    files = closed_files(tmp_path)
    assert held_in([*files, tmp_path / "i-1-0.seg"]) == [
        Held("agent:a", 13, 4),
        Held("agent:b", 5, 2),
        Held("agent:a", 7, 5),
    ]


def test_a_damaged_segment_is_counted_up_to_its_damage(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It is said; a restart does not fail for it."""
    (tmp_path / "i-1-1.seg").write_bytes(taken("a", 10, 1) + taken("b", 5, 2)[:-1])
    assert held_in(closed_files(tmp_path)) == [Held("agent:a", 10, 1)]
    assert "counted in part" in caplog.text
