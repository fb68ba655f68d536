"""A process that seals, and may be killed at a step: `python -m tests.collector.engine.killed`.

Arguments: the data folder, and the step at which the process gets SIGKILL, empty for none. It opens
the log, finishes what an earlier one left, and prints what it found in the store.
"""

import json
import os
import signal
import sys
from pathlib import Path

import pytest

from auditspan.collector.data_dir import prepare
from auditspan.storage.engine import open_embedded
from auditspan.storage.migrations import migrate
from tests.collector.engine.conftest import Workshop, spans
from tests.collector.engine.logs import checked
from tests.collector.engine.test_sealing import STEPS, flushed


def main(root: Path, step: str) -> None:
    """Two batches; the second one is where it dies."""
    data = prepare(root)
    store = open_embedded(data.folder("store"))
    migrate(store)
    workshop = Workshop(data, store)
    if not (data.folder("batches") / "log.json").exists():
        for number in (1, 2):
            workshop.segment(spans(number, number + 10), number=number)
    segments = workshop.segments()
    paths = sorted(data.folder("spool").glob("*.seg"))
    for path in paths:
        with pytest.MonkeyPatch.context() as patch:
            if step and path is paths[-1]:
                patch.setattr(STEPS[step], killed)
            segments.process(path)
    flushed(segments)
    ids = store.arrow("SELECT RecordId FROM audit_records")["RecordId"].to_pylist()
    print(json.dumps({"sizes": sorted(checked(store).values()), "ids": sorted(ids)}))
    store.close()


def killed(*_: object, **__: object) -> None:
    """In place of a step: no handler, no destructor, no flush."""
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
