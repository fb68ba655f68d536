"""A store with the schema, made once in a process and copied from then on.

Making one takes the engine a second, copying it some hundredths. What the migrations do is tested
where they are (`tests/storage/test_migrations.py`), and each end-to-end test that does not
ask for `migrated` starts a collector on an empty folder.
"""

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path

from auditspan.storage.engine import Engine, open_embedded
from auditspan.storage.migrations import migrate


def migrated_store(folder: Path) -> Engine:
    """An opened store in a folder that is empty or not there yet."""
    copy_migrated(folder)
    return open_embedded(folder)


def copy_migrated(folder: Path) -> None:
    """Put a closed store with the schema into a folder."""
    shutil.copytree(_template(), folder, symlinks=True, dirs_exist_ok=True)


@cache
def _template() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="auditspan-migrated-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    engine = open_embedded(folder)
    migrate(engine)
    engine.close()
    return folder
