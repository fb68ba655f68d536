"""Batches that wait for the other backend: hard links to segments of the spool, bounded in bytes.

A link keeps a segment after the audit path has finished with it and costs no second copy; a file
system without links gets one. `last` names the newest batch that was linked, `cursor` how far the
oldest one was passed on; both may lag after a crash, and then a request is passed on twice, never
left out.
"""

import os
import shutil
from pathlib import Path
from typing import Final

from auditspan.wire.segments import CLOSED, SegmentName, closed_segments, count_frames

_LAST: Final = "last"
_CURSOR: Final = "cursor"
_DRAFT: Final = ".new"


class ForwardQueue:
    """The queue of one forwarder."""

    def __init__(self, spool: Path, folder: Path, limit: int) -> None:
        """Open the queue; `folder` is made if missing."""
        folder.mkdir(mode=0o700, exist_ok=True)
        for draft in folder.glob(f"*{_DRAFT}"):
            draft.unlink()  # Of a crash.
        self._spool = spool
        self._folder = folder
        self._limit = limit
        self._sizes = {path.name: path.stat().st_size for path in closed_segments(folder)}
        stem, _, offset = _read(folder / _CURSOR).partition(" ")
        self._passed = (stem, int(offset) if offset.isdecimal() else -1)

    def missed(self) -> list[str]:
        """Ids of the batches that were closed while nobody listened, in order."""
        last = SegmentName.of(_read(self._folder / _LAST))
        stems = (path.stem for path in closed_segments(self._spool))
        named = ((SegmentName.of(stem), stem) for stem in stems)
        return [stem for name, stem in named if name and (last is None or name > last)]

    def add(self, batch_id: str) -> int:
        """Link a closed batch; the number of requests dropped for it.

        Raises `OSError`, among them `FileNotFoundError` if the batch is gone already.
        """
        name = batch_id + CLOSED
        link = self._folder / name
        if name in self._sizes:
            return 0
        _link(self._spool / name, link)
        self._sizes[name] = link.stat().st_size
        _write(self._folder / _LAST, batch_id)
        return self._shrink()

    def oldest(self) -> Path | None:
        """The batch whose turn it is."""
        return next(iter(closed_segments(self._folder)), None)

    def holds(self, path: Path) -> bool:
        """Whether a batch still waits; it may have been dropped."""
        return path.name in self._sizes

    def passed(self, path: Path, offset: int) -> None:
        """Remember that the frame at an offset, and all before it, need not be sent again.

        Raises `OSError` if the next process will not know; this one does.
        """
        self._passed = (path.stem, offset)
        _write(self._folder / _CURSOR, f"{path.stem} {offset}")

    def offset(self, path: Path) -> int:
        """The offset of the last frame that was passed on, -1 of none."""
        stem, offset = self._passed
        return offset if stem == path.stem else -1

    def remove(self, path: Path) -> None:
        """A batch is passed on."""
        self._sizes.pop(path.name, None)
        path.unlink(missing_ok=True)

    @property
    def size(self) -> int:
        """Bytes that wait."""
        return sum(self._sizes.values())

    def _shrink(self) -> int:
        dropped = 0
        while self.size > self._limit:
            path = self.oldest()
            if path is None:
                break
            after = self.offset(path)
            dropped += count_frames(path, after)
            self.remove(path)
        return dropped


def _link(segment: Path, link: Path) -> None:
    try:
        os.link(segment, link)
    except (FileNotFoundError, FileExistsError):
        raise
    except OSError:  # Another file system, or one without links.
        draft = link.with_name(f"{link.name}{_DRAFT}")
        shutil.copyfile(segment, draft)
        draft.replace(link)


def _read(path: Path) -> str:
    try:
        return path.read_text("ascii").strip()
    except (FileNotFoundError, UnicodeDecodeError):
        return ""


def _write(path: Path, text: str) -> None:
    draft = path.with_name(f"{path.name}{_DRAFT}")
    draft.write_text(text, "ascii")
    draft.replace(path)
