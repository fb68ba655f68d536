"""Files of the spool: their names, their order, and what is whole in them after a crash.

`<instance>-<start ms>-<counter>.open` is being written, `.seg` is closed and never changes. Numbers
have a fixed width, so that names sort in the order of creation.
"""

import fcntl
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, Self

from auditspan.wire.damage import holds_a_frame
from auditspan.wire.envelope import Envelope, parse
from auditspan.wire.errors import FrameInvalid, SpoolBusy
from auditspan.wire.varint import MAX_BYTES, decode_varint

OPEN: Final = ".open"
CLOSED: Final = ".seg"

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, order=True)
class SegmentName:
    """The name of a segment, which is the id of its batch."""

    start: int
    """When its writer began, Unix milliseconds."""
    counter: int
    instance: str

    @classmethod
    def of(cls, text: str) -> Self | None:
        """Read a name; None of a foreign one."""
        instance, _, rest = text.partition("-")
        start, _, counter = rest.partition("-")
        if not (instance and start.isdecimal() and counter.isdecimal()):
            return None
        return cls(int(start), int(counter), instance)

    def __str__(self) -> str:
        return f"{self.instance}-{self.start:013d}-{self.counter:08d}"


def segments(folder: Path, suffix: str) -> list[Path]:
    """Files of the spool with a suffix, in order of creation."""
    named = ((SegmentName.of(path.stem), path) for path in folder.glob(f"*{suffix}"))
    return [path for _, path in sorted((name, path) for name, path in named if name)]


def closed_segments(folder: Path) -> list[Path]:
    """The closed segments, in order of creation."""
    return segments(folder, CLOSED)


def spooled_bytes(folder: Path) -> int:
    """How many bytes all segments of a folder hold."""
    total = 0
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.endswith((OPEN, CLOSED)):
                try:
                    total += entry.stat(follow_symlinks=False).st_size
                except FileNotFoundError:
                    continue  # Processed and removed meanwhile.
    return total


def read_frames(path: Path) -> Iterator[tuple[int, Envelope]]:
    """The frames of a segment with their offsets. Raises `FrameInvalid`, which says the offset."""
    for offset, message, _ in _messages(path):
        try:
            yield offset, parse(message)
        except FrameInvalid as error:
            raise FrameInvalid(f"{path.name}, offset {offset}: {error}") from error


def _messages(path: Path) -> Iterator[tuple[int, bytes, int]]:
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        offset = 0
        while offset < size:
            try:
                message, end = _message(file, offset, size)
            except FrameInvalid as error:
                raise FrameInvalid(f"{path.name}, offset {offset}: {error}") from error
            yield offset, message, end
            offset = end


def count_frames(path: Path, after: int = -1) -> int:
    """How many frames begin behind an offset. Their contents are not read."""
    count = offset = 0
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        while offset < size:
            try:
                start, length = _extent(file, offset, size)
            except FrameInvalid:
                break
            count += offset > after
            offset = start + length
    return count


def _message(file: BinaryIO, offset: int, size: int) -> tuple[bytes, int]:
    start, length = _extent(file, offset, size)
    file.seek(start)
    return file.read(length), start + length


def _extent(file: BinaryIO, offset: int, size: int) -> tuple[int, int]:
    """Where the message of a frame begins, and its length."""
    file.seek(offset)
    length, width = decode_varint(file.read(MAX_BYTES))
    end = offset + width + length
    if end > size:
        raise FrameInvalid(f"frame of {length} bytes, but the file ends {end - size} bytes before")
    return offset + width, length


def recover(folder: Path) -> list[str]:
    """Close what a crash left open, without the torn end; the ids of the batches, in order.

    Nobody may write to the folder meanwhile. A frame that was synced is kept, and so is a broken
    one with whole ones behind it: the decoder sets that one aside with a reason. An end that has
    its full length and other bytes than were written is kept beside the segment: it is what a
    power failure leaves of a frame that nobody was told of, or a damaged one.
    """
    recovered = []
    for path in segments(folder, OPEN):
        whole = _whole_bytes(path)
        if whole:
            _cut(path, whole)
            path.rename(path.with_suffix(CLOSED))
            recovered.append(path.stem)
        else:
            _keep_damaged(path, 0)
            path.unlink()
    sync_folder(folder)
    return recovered


def _whole_bytes(path: Path) -> int:
    """Where the last whole frame ends."""
    whole = 0
    try:
        for _, message, end in _messages(path):
            if _is_whole(message):
                whole = end
    except FrameInvalid:
        pass  # The torn end.
    with path.open("rb") as file:
        file.seek(whole)
        rest = file.read()
    # What has frames behind it was synced with them.
    return whole + len(rest) if holds_a_frame(rest) else whole


def _is_whole(message: bytes) -> bool:
    try:
        parse(message)
    except FrameInvalid:
        return False
    return True


def _cut(path: Path, size: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_NOFOLLOW)
    try:
        torn = os.fstat(descriptor).st_size - size
        if torn:
            _log.warning("spool: %s: cut a torn end of %d bytes", path.name, torn)
            _keep_damaged(path, size)
            os.ftruncate(descriptor, size)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _keep_damaged(path: Path, size: int) -> None:
    """Beside the segment, if the end is no part of a frame but a whole one with other bytes."""
    with path.open("rb") as file:
        file.seek(size)
        rest = file.read()
    if _is_damaged(rest):
        beside = path.with_name(f".damaged-{path.stem}-{size}")
        write_synced(beside, rest)
        _log.error("spool: %s: its last frame is damaged, and kept in %s", path.name, beside)


def _is_damaged(rest: bytes) -> bool:
    """Whether an end has its full length, or all of its message behind another length."""
    try:
        length, width = decode_varint(rest[:MAX_BYTES])
    except FrameInvalid:
        length, width = 0, len(rest)
    # A length of zero is what a page looks like that never came.
    full = 0 < length <= len(rest) - width
    return full or any(_is_whole(rest[at:]) for at in range(1, MAX_BYTES + 1))


def write_synced(path: Path, data: bytes) -> None:
    """A file with these bytes, which are on disk; its name is so after `sync_folder`."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
    with os.fdopen(os.open(path, flags, 0o600), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Make names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def spool_lock(folder: Path) -> Iterator[None]:
    """Be the only process that writes to a spool. Raises `SpoolBusy`."""
    descriptor = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise SpoolBusy(
                f"spool {folder}: another process writes to it: stop that one first"
            ) from error
        yield
    finally:
        os.close(descriptor)
