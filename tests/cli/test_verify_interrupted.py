"""Ctrl-C while `verify` works: it ends at once, and nothing is left of it."""

import signal
import subprocess
import sys
import time
from pathlib import Path

from auditspan.collector.data_dir import DataDir, locked
from auditspan.storage.engine import open_embedded

_MORE = (
    "INSERT INTO audit_records SELECT r.* FROM "
    "(SELECT * FROM audit_records LIMIT 60) AS r CROSS JOIN numbers(500) AS n"
)


def _filled(folder: Path) -> None:
    """Many records for a place in the log, which are long recomputed; they need not be VALID."""
    store = open_embedded(folder / "store")
    for _ in range(5):
        store.command(_MORE)
    store.close()


def _started(folder: Path) -> subprocess.Popen[str]:
    """A verification that has the data folder."""
    command = Path(sys.executable).with_name("auditspan")
    process = subprocess.Popen(
        [command, "verify", "--data", folder],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    lock = folder / "lock"
    while not lock.exists() or lock.read_text() != str(process.pid):
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    return process


def test_a_verification_that_is_interrupted_ends_quietly(folder: Path) -> None:
    """Pressed again, too, while a thread still asks the store; and that is free then."""
    _filled(folder)
    for times in (1, 2):
        process = _started(folder)
        # By now records are recomputed; elsewhere it would have to end in the same way.
        time.sleep(3)
        for _ in range(times):
            process.send_signal(signal.SIGINT)
            time.sleep(0.3)
        assert (*process.communicate(timeout=60), process.returncode) == ("", "", 130)
    with locked(DataDir(folder)):
        store = open_embedded(folder / "store")
        assert store.raw("SELECT 7") == b"7\n"
        store.close()
