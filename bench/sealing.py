"""What sealing costs: CPU a record and a batch, time until a record is under a checkpoint, idle.

    .venv-dev/bin/python -m bench.sealing

Costs: a processed batch goes to disk and into an embedded store with and without sealing (salts,
entries, seal file, seals and their comparison, signature, root log); the difference of CPU time
over two sizes gives a record's and a batch's share. The least of 7 runs, because the engine merges
earlier batches in the background, and that counts too. Small batches are sealed by
Python, so their share is not a line; it is given for one record and for 500.

Lag: a collector of its own gets 20 requests of 10 spans a second for 20 seconds; for each record
the time from its receipt to the note that covers it. Idle: CPU of all its processes in a minute,
with one signature a minute.
"""

import os
import sys
import tempfile
import time
from pathlib import Path

import httpx
import pyarrow as pa
from pydantic import JsonValue

from auditspan.collector.engine.sealing import Sealing, new_sealing
from auditspan.collector.engine.signing import Signer
from auditspan.collector.engine.stopwatch import Stopwatch
from auditspan.collector.signer.config import IntegrityConfig
from auditspan.collector.signer.notary import Notary
from auditspan.collector.signer.protocol import Begin
from auditspan.processors.batch import Batch
from auditspan.processors.finish import RANDOM_BYTES, finish
from auditspan.storage.batch_file import write_batch
from auditspan.storage.config import StoreConfig
from auditspan.storage.engine import Engine, open_embedded, open_engine
from auditspan.storage.migrations import migrate
from auditspan.storage.writer import finish as store_batch
from bench.lib.idle import IDLE_BAR, idle, settled
from bench.lib.processes import family
from bench.lib.results import keep, number, quantile
from bench.pipeline.__main__ import show
from bench.processors import stages, table
from tests.collector.engine.conftest import NearSigner
from tests.end_to_end.bodies import body
from tests.end_to_end.running import Collector, running, spooled

RUNS, SMALL, LARGE = 7, 4_000, 20_000
BARS = {"record_us": 8.0, "batch_ms": 80.0, "lag.p99_s": 3.0, "idle.cpu_percent": IDLE_BAR}
SECONDS, PER_SECOND, SPANS = 20, 20, 10
Figures = dict[str, JsonValue]


def main() -> int:
    """Run all, keep it, and fail beyond a bar."""
    with tempfile.TemporaryDirectory() as folder:
        found = costs(Path(folder) / "costs")
        show(found)
        running_ = running_collector(Path(folder) / "data")
    show(running_)
    figures: Figures = {**found, **running_}
    print(f"written to {keep('sealing', figures, bars=dict(BARS))}")
    return int(any(number(figures, name) > bar for name, bar in BARS.items()))


def costs(folder: Path) -> Figures:
    """CPU with sealing less that without, the least of some runs."""
    for name in ("batches", "log"):
        (folder / name).mkdir(parents=True, mode=0o700)
    # This process holds more than a collector's engine does.
    store = open_engine(StoreConfig(path=folder / "store", max_memory=3_000_000_000))
    migrate(store)
    sealing, records = sealing_in(folder, store), processed()
    share = {rows: difference(sealing, records, rows) for rows in (1, 500, SMALL, LARGE)}
    store.close()
    record = (share[LARGE] - share[SMALL]) / (LARGE - SMALL)
    return {
        "record_us": round(record * 1e6, 2),
        "batch_ms": round((share[LARGE] - record * LARGE) * 1e3, 1),
        "batches_ms": {f"{rows:,}": round(share[rows] * 1e3, 1) for rows in share},
    }


def sealing_in(folder: Path, store: Engine) -> Sealing:
    """A log with a signer in this process, whose CPU counts too."""
    notary = Notary(Begin(str(folder / "log"), "local/auditspan/default", "abcd1234"))
    signer: Signer = NearSigner(notary)
    made = new_sealing(
        folder / "batches",
        (store, store),
        IntegrityConfig(),
        "abcd1234",
        signer,
        os.urandom,
        Stopwatch(),
        time.time_ns,
    )
    made.open(made.start.begin(recover=False))
    return made


def processed() -> pa.Table:
    """20,000 records as the last stage leaves them."""
    batch = Batch.of(table(600))
    for stage in stages().values():
        batch = stage(batch)
    return finish(batch, "b", os.urandom(len(batch) * RANDOM_BYTES))


def difference(sealing: Sealing, records: pa.Table, rows: int) -> float:
    """CPU seconds that sealing adds to a batch."""
    with_seal, without = [], []
    for run in range(RUNS + 1):
        part = records.slice(0, rows)
        without.append(plain(sealing, named(part, f"p-{rows}-{run}"), f"p-{rows}-{run}"))
        with_seal.append(sealed(sealing, named(part, f"s-{rows}-{run}"), f"s-{rows}-{run}"))
    return min(with_seal[1:]) - min(without[1:])


def named(part: pa.Table, batch_id: str) -> pa.Table:
    """Records of a batch of this id."""
    index = part.schema.get_field_index("BatchId")
    return part.set_column(index, "BatchId", pa.repeat(batch_id, part.num_rows))


def plain(sealing: Sealing, part: pa.Table, batch_id: str) -> float:
    """As a collector that does not seal."""
    start, path = time.process_time(), sealing.folder / f"{batch_id}.arrow"
    write_batch(path, part, batch_id)
    store_batch(sealing.store, path)
    return time.process_time() - start


def sealed(sealing: Sealing, part: pa.Table, batch_id: str) -> float:
    """As one that does; notes go to the store once for five batches of a second."""
    start = time.process_time()
    sealing.seal(batch_id, part)
    sealing.finish(batch_id)
    signed = time.process_time()
    sealing.notes.flush()
    return signed - start + (time.process_time() - signed) / 5


def running_collector(data: Path) -> Figures:
    """Lag under a steady load, and CPU without any."""
    with running(data, spooled(), executed=True) as collector:
        send(collector)
        total = SECONDS * PER_SECOND * SPANS
        collector.wait_for("SELECT count() FROM audit WHERE RecordKind = 'action'", total, 60)
        time.sleep(12)  # the notes of the last seconds are stored
        pids = family(collector.process.pid)
        settled(pids)
        quiet = idle(pids)
    lags = checkpoint_lags(data)
    return {
        "lag": {"records": len(lags), "p50_s": quantile(lags, 0.5), "p99_s": quantile(lags, 0.99)},
        "idle": quiet,
    }


def send(collector: Collector) -> None:
    """A steady stream of requests."""
    with httpx.Client() as client:
        for number in range(SECONDS * PER_SECOND):
            due = time.monotonic() + 1 / PER_SECOND
            client.post(
                f"{collector.addresses['http']}/v1/traces",
                content=body(f"act {number}", SPANS),
                headers={"content-type": "application/x-protobuf"},
            ).raise_for_status()
            time.sleep(max(0.0, due - time.monotonic()))


def checkpoint_lags(data: Path) -> list[float]:
    """Seconds from the receipt of each record to the first note that covers it."""
    store = open_embedded(data / "store")
    sql = (
        "SELECT (toUnixTimestamp64Milli(c.SignedAt) - toUnixTimestamp64Milli(r.ReceivedAt)) / 1000 "
        "AS Lag FROM audit_records AS r ASOF JOIN "
        "(SELECT LogId, Size, min(SignedAt) AS SignedAt FROM audit_checkpoints GROUP BY 1, 2) AS c "
        "ON r.LogId = c.LogId AND r.LogIndex < c.Size WHERE r.RecordKind = 'action'"
    )
    found: list[float] = store.arrow(sql)["Lag"].to_pylist()
    store.close()
    return found


if __name__ == "__main__":
    sys.exit(main())
