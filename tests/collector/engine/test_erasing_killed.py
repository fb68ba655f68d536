"""An erasure whose process is killed (SIGKILL) at every step of it, by real processes."""

import json
import subprocess
import sys
from pathlib import Path

from auditspan.collector.engine.erasing import Erasing
from auditspan.storage.engine import open_embedded
from tests.collector.engine.conftest import Workshop
from tests.collector.engine.test_erasing import (
    ID,
    approve,
    certificate,
    filled,
    fits,
    found,
    groups_of,
)

_CHILD = """
import os, signal, sys, threading
from pathlib import Path
from auditspan.collector.data_dir import DataDir
from auditspan.collector.engine import erasing as module
from auditspan.storage.engine import open_embedded

folder, step, when = sys.argv[1:]

def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)

def dying(real):
    def step(*given, **named):
        if when == "before":
            die()
        if when == "during":
            threading.Timer(0.004, die).start()
        found = real(*given, **named)
        die()
        return found
    return step

setattr(module, step, dying(getattr(module, step)))
data = DataDir(Path(folder))
store = open_embedded(data.folder("store"))
module.Erasing(data, store, sealed=True).tick(asked=True)
print("it came to the end")
"""
STEPS = (
    ("forget_letters", "after"),
    ("erase", "during"),
    ("erase", "after"),
    ("write_batch", "before"),
    ("certify", "before"),
)
"""In the order in which they come: each process does again what the one before it did."""


def test_it_is_finished_whatever_kills_it(workshop: Workshop) -> None:
    """Nothing is left, one certificate, and what is left fits the log."""
    _, ids = filled(workshop)
    approve(workshop, groups_of(workshop, ids[:2]))
    workshop.store.close()
    for step, when in STEPS:
        done = _killed(workshop.data.root, step, when)
        assert done.returncode == -9, (step, when, done.stdout, done.stderr)
    workshop.store = open_embedded(workshop.data.folder("store"))
    Erasing(workshop.data, workshop.store, sealed=True).tick(asked=False)
    assert found(workshop) == []
    assert fits(workshop, ids[:2])
    paper = certificate(workshop)
    assert paper["erasure"] == ID
    assert json.dumps(paper).count('"matches_seal": true') >= 2


def _killed(folder: Path, step: str, when: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", _CHILD, str(folder), step, when],
        capture_output=True,
        text=True,
        timeout=60,
    )
