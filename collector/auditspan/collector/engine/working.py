"""The frames of a segment, decoded and judged: records, control records, and what is dead.

Nothing is written here: the same segment gives the same, whatever became of an earlier try.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import pyarrow as pa

from auditspan.collector.control import derive
from auditspan.collector.control.errors import ControlError
from auditspan.collector.control.records import REGISTRY_APPLIED
from auditspan.collector.control.versions import version_of
from auditspan.collector.engine.dead_letters import DeadLetter, undecodable, unreadable_control
from auditspan.collector.engine.large_records import fitting
from auditspan.collector.engine.pipeline import Pipeline, Processed
from auditspan.collector.engine.single_spans import frames_of
from auditspan.processors.sequences import SequenceState
from auditspan.registry import BundleInvalid, History
from auditspan.storage.decode import ControlFrame, decode_controls
from auditspan.storage.engine import Engine
from auditspan.storage.salvage import BadFrame, Salvaged, decode_salvaging
from auditspan.wire.envelope import OTLP_TRACES, VERSION
from auditspan.wire.errors import FrameInvalid
from auditspan.wire.varint import MAX_BYTES, decode_varint

_SPANS: Final = bytes([0x08, VERSION, 0x10, OTLP_TRACES])
"""The first fields of a frame's message: version and kind."""


@dataclass(frozen=True, slots=True)
class Worked:
    """What became of the frames of a segment."""

    tables: tuple[pa.Table, ...]
    """Records, ready to be sealed."""
    frames: tuple[derive.Frame, ...]
    """Control records."""
    dead: tuple[DeadLetter, ...]
    history: History
    """With the registries that came in the segment."""
    sequences: SequenceState
    """How far the senders' numbering has come."""

    @property
    def records(self) -> int:
        """How many, without the control records."""
        return sum(table.num_rows for table in self.tables)


@dataclass(frozen=True, slots=True)
class Worker:
    """What frames are worked on with."""

    decoder: Engine
    """Reads segments."""
    pipeline: Pipeline
    enter: Callable[[str], None] = lambda step: None
    """Told of each step before it begins."""

    def work(
        self, segment: Path, batch_id: str, history: History, sequences: SequenceState
    ) -> Worked:
        """Decode and judge a segment. Raises `StorageError`."""
        self.enter("decode")
        with self.pipeline.watch.stage("decode"):
            salvaged = decode_salvaging(self.decoder, segment)
            frames, dead, history = self._controls(segment, batch_id, salvaged.bad, history)
        decoded, large = fitting(salvaged.table, self.pipeline.config.limits.record_bytes)
        done = Processed((), sequences, ())
        if decoded.num_rows:
            self.enter("process")
            done = self.pipeline.process(decoded, batch_id, history, sequences)
        dead += undecodable(batch_id, salvaged.bad)
        dead += _records(segment, batch_id, salvaged, large, done)
        return Worked(done.tables, tuple(frames), tuple(dead), history, done.sequences)

    def _controls(
        self, segment: Path, batch_id: str, bad: Sequence[BadFrame], history: History
    ) -> tuple[list[derive.Frame], list[DeadLetter], History]:
        """Control frames that can be read, taken into the history, and those that cannot."""
        frames: list[derive.Frame] = []
        dead: list[DeadLetter] = []
        for at, raw in enumerate(self._control_frames(segment, bad)):
            try:
                frame = derive.Frame.read(raw.received_at, raw.digest, raw.principal, raw.body)
                history = _learnt(history, frame)
            except (ControlError, BundleInvalid, ValueError) as error:
                dead.append(unreadable_control(batch_id, at, raw, error))
            else:
                frames.append(frame)
        return frames, dead, history

    def _control_frames(self, segment: Path, bad: Sequence[BadFrame]) -> list[ControlFrame]:
        if not _may_hold_controls(segment):
            return []
        if not bad:
            return decode_controls(self.decoder, segment)
        with TemporaryDirectory(prefix=".salvage-", dir=segment.parent) as folder:
            readable = Path(folder) / segment.name
            readable.write_bytes(_without(segment.read_bytes(), bad))
            return decode_controls(self.decoder, readable)


def _may_hold_controls(segment: Path) -> bool:
    """Whether some frame does not begin as one of spans: the engine need not be asked otherwise."""
    offset, size = 0, segment.stat().st_size
    with segment.open("rb") as file:
        while offset < size:
            file.seek(offset)
            head = file.read(MAX_BYTES + len(_SPANS))
            try:
                length, width = decode_varint(head)
            except FrameInvalid:
                return True
            if not head[width:].startswith(_SPANS):
                return True
            offset += width + length
    return False


def _learnt(history: History, frame: derive.Frame) -> History:
    record = frame.record
    if record.kind == REGISTRY_APPLIED and record.at_ns not in history.applied:
        return history.with_version(version_of(record))
    return history


def _records(
    segment: Path, batch_id: str, salvaged: Salvaged, large: dict[int, int], done: Processed
) -> list[DeadLetter]:
    """Records that no store takes, and those on which a stage failed, as frames of their own."""
    if not large and not done.rejected:
        return []
    left = [at for at in range(salvaged.table.num_rows) if at not in large]
    why = {
        at: ("large", f"record of {size} bytes when decoded: send less content on one span")
        for at, size in large.items()
    }
    why |= {left[each.at]: (each.stage, each.reason) for each in done.rejected}
    alone = frames_of(segment.read_bytes(), {bad.offset for bad in salvaged.bad}, why)
    return [DeadLetter(batch_id, f"record-{at}", *why[at], alone[at]) for at in sorted(why)]


def _without(data: bytes, bad: Sequence[BadFrame]) -> bytes:
    kept, end = [], 0
    for frame in bad:
        kept.append(data[end : frame.offset])
        end = frame.offset + len(frame.data)
    return b"".join([*kept, data[end:]])
