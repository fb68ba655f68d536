"""A process that is killed leaves what the next one finishes: the same log, nothing twice."""

import json
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from auditspan.collector.data_dir import prepare
from auditspan.storage.batch_file import read_batch
from tests.end_to_end.forked import run_module
from tests.migrated import copy_migrated

SIGNED = ("signature", "root log", "state")


def run(data: Path, step: str) -> subprocess.CompletedProcess[str]:
    """One life of the process."""
    return run_module("tests.collector.engine.killed", data, step)


def lived(data: Path) -> dict[str, Any]:
    """A life to its end, and what it says."""
    done = run(data, "")
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("step", ["seal", "store", "entries", "signature", "root log", "state"])
def test_it_is_killed_at_a_step(tmp_path: Path, step: str) -> None:
    """And once more, if it comes there again; rows on disk with their seal are those stored."""
    data = tmp_path / "data"
    copy_migrated(prepare(data).folder("store"))
    assert run(data, step).returncode == -signal.SIGKILL
    # What was remembered before the signature is not signed again.
    assert run(data, step).returncode == (0 if step in SIGNED else -signal.SIGKILL)
    batches = data / "batches"
    sealed = [path for path in batches.glob("*.arrow") if path.with_suffix(".seal").exists()]
    kept = {each for path in sealed for each in read_batch(path).table["RecordId"].to_pylist()}
    found = lived(data)
    assert len(found["ids"]) == len(set(found["ids"])) == 4
    assert kept <= set(found["ids"])
    # The first entry and four records; the root log has its own first entry and some notes.
    assert found["sizes"][-2:].count(5) >= 1
    assert lived(data)["ids"] == found["ids"]
