"""A file system of its own that is soon full, where one may be mounted."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def small_disk(folder: Path, size: str, *, in_use: bool = False) -> Iterator[Path]:
    """Mount one of this size, as `mount` spells it; skips the test where that is not allowed.

    One that may be `in_use` at the end goes when it is not any more.
    """
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("mounting a small file system needs root")
    try:
        yield folder
    finally:
        subprocess.run(["umount", *(["-l"] if in_use else []), str(folder)], check=True)
