"""What a record takes on disk, wherever it lies: spool, batch file, store, seal, backup.

    python -m bench.capacity

Figures of docs/scaling.md: bytes a span by the size of spans.
"""

import itertools
import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from pydantic import JsonValue

from auditspan.storage.engine import open_embedded
from bench.lib.collector import Bench, bench
from bench.lib.results import keep
from bench.lib.sending import Sender
from bench.lib.spans import Shape, bodies, endless

SPANS: Final = 20_000
SHAPES: Final = {
    "0.5 kB, 8 attributes": Shape(500, 8),
    "1.2 kB, 17 attributes": Shape(),
    "8 kB, 17 attributes": Shape(8000, 17),
}
_PARTS: Final = (
    "SELECT sumIf(bytes_on_disk, table = 'audit_records') AS records, "
    "sumIf(bytes_on_disk, table = 'audit_seals') AS seals FROM system.parts "
    "WHERE database = 'auditspan' AND active"
)
Figures = dict[str, JsonValue]


def main() -> int:
    """Measure each shape."""
    figures: Figures = {}
    for name, shape in SHAPES.items():
        with tempfile.TemporaryDirectory(prefix="auditspan-capacity-") as folder:
            figures[name] = measured(Path(folder), shape)
    sys.stdout.write(json.dumps(figures, indent=1) + "\n")
    keep("capacity", figures)
    return 0


def measured(folder: Path, shape: Shape) -> Figures:
    """One shape, and a backup of all of it while the collector runs."""
    made, data = bodies(shape, SPANS), folder / "data"
    with bench(data, {"service": {"batch_hold_seconds": 3600}}) as at:
        at.drained()
        with Sender(at.grpc, at.key) as sender, engine_stopped(at):
            for number, body in enumerate(itertools.islice(endless(made), len(made))):
                sender.send(body, number)
            spooled = held(data / "spool", ".seg", ".open")
        at.drained()
        at.settled()
        took, saved = backed_up(at, folder / "b.tar")
        batches = held(data / "batches", ".arrow", ".seal")
    with closing(open_embedded(data / "store")) as store:
        [row] = store.arrow(_PARTS).to_pylist()
    return {
        "wire": round(sum(map(len, made)) / SPANS),
        "spool": round(spooled / SPANS),
        "batch_file": round(batches / SPANS),
        "records": round(row["records"] / SPANS),
        "seals": round(row["seals"] / SPANS),
        "backup": round(saved / SPANS),
        "backup_seconds": round(took, 1),
    }


@contextmanager
def engine_stopped(at: Bench) -> Iterator[None]:
    """Requests wait in the spool."""
    os.kill(at.pids["engine"], signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(at.pids["engine"], signal.SIGCONT)


def held(folder: Path, *endings: str) -> int:
    """Bytes of the files of these kinds."""
    return sum(path.stat().st_size for path in folder.iterdir() if path.suffix in endings)


def backed_up(at: Bench, target: Path) -> tuple[float, int]:
    """Seconds and bytes of `auditspan backup`."""
    began = time.monotonic()
    at.collector.auditspan("backup", "-o", str(target))
    return time.monotonic() - began, target.stat().st_size


if __name__ == "__main__":
    sys.exit(main())
