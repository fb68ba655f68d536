"""Names of new segments: never one twice, always after every earlier one of this instance.

A batch id that came again would be taken for a batch that is stored already. So the start of the
last writer is kept in the folder, for clocks that go back and spools that were emptied meanwhile.
"""

import os
import re
from pathlib import Path
from typing import Final

from auditspan.wire.segments import CLOSED, OPEN, SegmentName, segments, sync_folder

_LAST: Final = ".last"
_INSTANCE: Final = re.compile(r"[A-Za-z0-9_.]{1,64}\Z")


class Names:
    """Hands out the names of one writer."""

    def __init__(self, folder: Path, instance: str, milliseconds: int) -> None:
        """Begin after every name the folder had, and remember it. `ValueError` if unfit."""
        if not _INSTANCE.match(instance):
            raise ValueError(f"instance: expected letters, digits, _ or . only, got {instance!r}")
        last = _newest(folder, instance)
        start = max(milliseconds, last.start + 1)
        self._next = SegmentName(start, last.counter + 1, instance)
        _remember(folder / _LAST, str(self._next))

    def next(self) -> SegmentName:
        """A name that no segment has had."""
        name = self._next
        self._next = SegmentName(name.start, name.counter + 1, name.instance)
        return name


def _newest(folder: Path, instance: str) -> SegmentName:
    texts = [path.stem for suffix in (OPEN, CLOSED) for path in segments(folder, suffix)]
    if (folder / _LAST).exists():
        texts.append((folder / _LAST).read_text("utf-8").strip())
    names = [name for name in map(SegmentName.of, texts) if name and name.instance == instance]
    return max(names, default=SegmentName(0, 0, instance))


def _remember(path: Path, text: str) -> None:
    draft = path.with_name(f"{path.name}.new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    try:
        os.write(descriptor, text.encode())
        os.fdatasync(descriptor)
    finally:
        os.close(descriptor)
    draft.replace(path)
    sync_folder(path.parent)
