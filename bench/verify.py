"""Verification of 1,000,000 sealed records from the embedded store, and evidence of 10,000 of them.

    .venv-dev/bin/python -m bench.verify [--records 200000]

The records are those of `bench/stages.py` (1.2 kB, 17 attributes), decoded and processed once and
sealed in batches of 20,000 by the collector's own sealing, one each hour, with a notary in this
process. Bars: 100,000 records/s on two cores; a package of 10,000 records in 5 s, verified offline
in 3 s.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from queue import SimpleQueue

import pyarrow as pa
from pydantic import JsonValue

from auditspan.cli.sealed_store import AT_ONCE, asking
from auditspan.collector.data_dir import SIGNER, prepare
from auditspan.collector.engine.config import ProcessorsConfig
from auditspan.collector.engine.messages import Answered, Asked, Message
from auditspan.collector.engine.pipeline import Pipeline
from auditspan.collector.engine.sealing import Sealing, new_sealing
from auditspan.collector.engine.signing import Signer
from auditspan.collector.engine.stopwatch import Stopwatch
from auditspan.collector.signer.config import IntegrityConfig
from auditspan.collector.signer.notary import Notary
from auditspan.collector.signer.protocol import Begin, from_body, to_body
from auditspan.identity.statement import StatementVerifier
from auditspan.integrity import verify as auditors_file
from auditspan.integrity.note import Verifier
from auditspan.integrity.policy import policy_text
from auditspan.policy import Calendar
from auditspan.processors.policy_sets import PolicySets
from auditspan.processors.sequences import SequenceState
from auditspan.reports.verification.evidence import Wanted, build
from auditspan.reports.verification.inputs import Inputs
from auditspan.reports.verification.report import Verdict
from auditspan.reports.verification.run import run
from auditspan.reports.verification.sealed_log import SealedLogs
from auditspan.reports.verification.trust import of_policy
from auditspan.reports.verification.window import Window
from auditspan.storage.config import StoreConfig
from auditspan.storage.decode import decode
from auditspan.storage.engine import Engine, open_embedded, open_engine
from auditspan.storage.migrations import migrate
from auditspan.storage.scalars import TIME
from auditspan.storage.sealing.recompute import answer
from auditspan.storage.values import Value
from bench.decode import START
from bench.lib.results import keep
from bench.pipeline.__main__ import show
from bench.stages import demo, segment

BATCH = 20_000
HOUR = 3_600 * 10**9
SHOWN = 10_000
BAR_RATE, BAR_BUILD, BAR_OFFLINE = 100_000, 5.0, 3.0
Figures = dict[str, JsonValue]


class NearSigner(Signer):
    """Asks a notary in this process."""

    def __init__(self, notary: Notary) -> None:
        super().__init__(self._answer_it, SimpleQueue())
        self.notary = notary

    def _answer_it(self, message: Message) -> None:
        assert isinstance(message, Asked)
        answer = self.notary.answer(from_body(message.question))  # type: ignore[arg-type]
        # As it comes through the pipe between them.
        body = json.loads(json.dumps(to_body(answer)))
        self.answers.put(Answered(message.number, body))


def main() -> int:
    """Seal, verify, build, verify offline; 1 if a bar is missed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--records", type=int, default=1_000_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        figures, met = measured(Path(name), options.records)
    show(figures)
    bars: Figures = {
        "records_per_second": BAR_RATE, "built_s": BAR_BUILD, "offline_s": BAR_OFFLINE,
    }  # fmt: skip
    print(f"written to {keep('verify', figures, bars=bars)}")
    return int(not met)


def measured(folder: Path, records: int) -> tuple[Figures, bool]:
    """The figures, and whether every bar was met."""
    data = prepare(folder / "data")
    # Room for sealing as fast as it goes; it is verified within the limits of the command.
    store = open_engine(StoreConfig(path=data.folder("store"), max_memory=4_000_000_000))
    migrate(store)
    clock = Clock()
    begin = Begin(str(data.root / SIGNER), "local/auditspan/bench", "a")
    signer = NearSigner(Notary(begin, lambda: clock.now_ns() // 1_000_000))
    sealing = new_sealing(
        data.folder("batches"), (store, store), IntegrityConfig(deployment="bench"), "a", signer,
        os.urandom, Stopwatch(), clock.now_ns,
    )  # fmt: skip
    sealing.open(sealing.start.begin(recover=False))
    until = fill(sealing, processed(store, folder), records, clock)
    store.close()
    store = open_embedded(data.folder("store"))
    policy = policy_of(signer.notary)
    rate, cpu, verdict = verified(store, policy, records)
    built, offline, size, outcome = evidence(store, policy, folder, until)
    store.close()
    right = verdict is Verdict.VALID and outcome == "VALID"
    fast = rate >= BAR_RATE and built <= BAR_BUILD and offline <= BAR_OFFLINE
    return {
        "records": records,
        "records_per_second": round(rate),
        "record_us": round(cpu, 2),
        "verdict": str(verdict),
        "shown": SHOWN,
        "built_s": round(built, 2),
        "package_mb": round(size / 1e6, 1),
        "offline_s": round(offline, 2),
        "outcome": outcome,
    }, right and fast


@dataclass(slots=True)
class Clock:
    """Says the time that it is told."""

    now: int = START

    def now_ns(self) -> int:
        """Unix nanoseconds."""
        return self.now


def fill(sealing: Sealing, table: pa.Table, records: int, clock: Clock) -> int:
    """Seal the same rows again and again under new ids; when the batch of `SHOWN` was sealed."""
    sizes = [BATCH] * ((records - 2 * SHOWN) // BATCH)
    sizes[len(sizes) // 2 : len(sizes) // 2] = [SHOWN, SHOWN]
    shown_at = 0
    for number, size in enumerate(sizes):
        clock.now += HOUR
        batch_id = f"bench-{number:05d}"
        sealing.seal(batch_id, _fresh(table.slice(0, size), batch_id, clock.now))
        sealing.finish(batch_id)
        (sealing.folder / f"{batch_id}.arrow").unlink()
        shown_at = clock.now if size == SHOWN else shown_at
    sealing.notes.flush()
    return shown_at


def _fresh(table: pa.Table, batch_id: str, now: int) -> pa.Table:
    received = pa.repeat(pa.scalar(now - 10**9, pa.int64()).cast(TIME), table.num_rows)
    changes = {
        "RecordId": pa.array([str(uuid.uuid4()) for _ in range(table.num_rows)]),
        "BatchId": pa.repeat(batch_id, table.num_rows),
        "ReceivedAt": received,
    }
    for name, values in changes.items():
        table = table.set_column(table.column_names.index(name), name, values)
    return table


def processed(engine: Engine, folder: Path) -> pa.Table:
    """A batch as the last processor leaves it."""
    history = demo()
    pipeline = Pipeline(
        ProcessorsConfig(), b"k" * 32, StatementVerifier({"keys": []}), PolicySets(Calendar()),
        os.urandom, Stopwatch(),
    )  # fmt: skip
    path = segment(folder, history, 600)
    done = pipeline.process(decode(engine, path), path.stem, history, SequenceState())
    return done.tables[0]


def policy_of(notary: Notary) -> bytes:
    """The auditor's policy."""
    begun = notary.begun()
    root, witness = Verifier.parse(begun.root_vkey), Verifier.parse(begun.notary_vkey)
    return policy_text([root], {"notary": witness}, ["notary"]).encode()


def verified(store: Engine, policy: bytes, records: int) -> tuple[float, float, Verdict]:
    """Records a second, CPU µs of one, and the verdict."""

    ask = asking(store)
    began, cpu = time.perf_counter(), time.process_time()
    report = run(ask, Inputs(of_policy(policy, "bench"), at_once=AT_ONCE))
    assert report.population.recomputed == records, report.problems[:5]
    cpu = (time.process_time() - cpu) / records * 1e6
    return records / (time.perf_counter() - began), cpu, report.verdict


def evidence(
    store: Engine, policy: bytes, folder: Path, until_ns: int
) -> tuple[float, float, int, str]:
    """Seconds to build and to verify, bytes, and the auditor's verdict."""

    def ask(name: str, params: Mapping[str, Value]) -> pa.Table:
        return answer(store, name, params)

    package, file = folder / "case.zip", folder / "policy.txt"
    file.write_bytes(policy)
    trust = of_policy(policy, "bench")
    until = datetime.fromtimestamp(until_ns / 1e9, UTC)
    window = Window(until - timedelta(minutes=30), until)
    began = time.perf_counter()
    with package.open("wb") as target:
        made = build(ask, SealedLogs(ask, trust), Wanted(window), target)
    assert made.shown == SHOWN, made
    built = time.perf_counter() - began
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-I", str(auditors_file.__file__), str(package), "--policy", str(file),
         "--format", "json"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    offline = time.perf_counter() - began
    return built, offline, package.stat().st_size, json.loads(done.stdout)["verdict"]


if __name__ == "__main__":
    sys.exit(main())
