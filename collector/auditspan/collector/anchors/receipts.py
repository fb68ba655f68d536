"""Receipts on disk: `data/anchors/<name>/<day>.jsonl`, one line each, only added to.

They say where to look and what to check, and are no proof themselves: whoever can write the data
folder can write them too.
"""

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from auditspan.integrity.anchors import Receipt, decode_receipts, encode_receipt

SUFFIX: Final = ".jsonl"


def add_receipt(folder: Path, receipt: Receipt, now: float) -> None:
    """Add one durably; what a crash left of another is cut off. Raises `OSError`."""
    folder.mkdir(mode=0o700, exist_ok=True)
    path = folder / f"{datetime.fromtimestamp(now, UTC):%Y-%m-%d}{SUFFIX}"
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW
    with os.fdopen(os.open(path, flags, 0o600), "r+b") as file:
        end = _whole(file.read())
        file.truncate(end)
        file.seek(end)
        file.write(encode_receipt(receipt))
        file.flush()
        os.fsync(file.fileno())
    if end == 0:
        _sync(folder)


def read_receipts(folder: Path) -> tuple[list[Receipt], list[str]]:
    """All receipts of one anchor, the oldest first, and what is wrong with others."""
    receipts, problems = [], []
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        found, wrong = decode_receipts(path.read_bytes())
        receipts += found
        problems += [f"{path}: {each}" for each in wrong]
    return receipts, problems


def newest_receipt(folder: Path) -> Receipt | None:
    """The last one that can be read."""
    for path in sorted(folder.glob(f"*{SUFFIX}"), reverse=True):
        found, _ = decode_receipts(path.read_bytes())
        if found:
            return found[-1]
    return None


def anchors_in(folder: Path) -> Iterator[Path]:
    """The folder of each anchor that there is or was."""
    return iter(sorted(path for path in folder.iterdir() if path.is_dir()))


def _whole(data: bytes) -> int:
    return data.rfind(b"\n") + 1


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
