"""What an engine that was killed has left half made goes before the next one begins.

Nothing is lost by it: what is written gets its name only once it is whole.
"""

import contextlib
import shutil

from auditspan.collector.data_dir import DataDir
from auditspan.collector.engine.trial import SCRATCH
from auditspan.storage.errors import StoreError
from auditspan.storage.freezing import thaw


def remove_drafts(data: DataDir) -> None:
    """What a crash left of files that were being written."""
    for path in data.folder("spool").glob(".salvage-*"):
        shutil.rmtree(path, ignore_errors=True)
    for name in ("batches", "dead"):
        for path in data.folder(name).glob(".*"):
            path.unlink(missing_ok=True)
    for path in data.folder("tmp").glob(f"{SCRATCH}*"):
        shutil.rmtree(path, ignore_errors=True)
    with contextlib.suppress(StoreError):  # of a cold volume, which says so when it is opened
        thaw(data.folder("store"))
