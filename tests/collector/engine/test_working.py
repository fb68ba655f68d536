"""Which segments the engine is asked for control records of: all but those of spans alone."""

from pathlib import Path

import pytest

from auditspan.collector.engine.working import _may_hold_controls
from tests.collector.engine.conftest import applied, control, spans

FOREIGN = bytes([9]) + spans(1)[1:10]
"""A frame of nine bytes that does not begin as one of spans."""


@pytest.mark.parametrize(
    ("frames", "may"),
    [
        ((), False),
        ((spans(1),), False),
        ((spans(1), spans(2, 3), spans(4, first_attribute="x" * 70_000)), False),
        ((applied(),), True),
        ((spans(1), spans(2), control("{}")), True),
        ((control("not JSON"), spans(1)), True),
        ((spans(1), FOREIGN), True),
        ((spans(1), b"\xff" * 11), True),
        ((b"\x00",), True),
    ],
    ids=[
        "empty",
        "one",
        "several",
        "a registry",
        "last",
        "first",
        "foreign",
        "garbage",
        "no bytes",
    ],
)
def test_only_segments_of_spans_alone_are_passed_by(
    tmp_path: Path, frames: tuple[bytes, ...], may: bool
) -> None:
    """Whatever is not surely a frame of spans may be a control record, and is looked at."""
    segment = tmp_path / "a.seg"
    segment.write_bytes(b"".join(frames))
    assert _may_hold_controls(segment) is may


def test_a_torn_end_hides_no_control_record(tmp_path: Path) -> None:
    """Wherever a segment was cut off: what is whole of it is seen, and its last frame too."""
    whole = spans(1) + control("{}")
    for length in range(len(spans(1)) + 1, len(whole)):
        segment = tmp_path / "a.seg"
        segment.write_bytes(whole[:length])
        assert _may_hold_controls(segment), length
