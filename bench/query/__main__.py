"""Questions over ten million records, through a collector that runs on the store.

    .venv-dev/bin/python -m bench.query [--rows 10000000] [--keep FOLDER]

The store is made in the engine (about 3 minutes, 3 GB). Each question runs seven times through the
query endpoint as the command line asks it (read gate, roles, access log), each time about something
else; the first is `cold_ms`, the median of the others `ms`. Rows and bytes read are what the engine
says of the same statement. Then what each index takes on disk, and how much less an insert of
20,000 rows takes without it.
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
from pydantic import JsonValue

from auditspan.cli.store import Place, opened
from auditspan.reports.chain import chain
from auditspan.reports.period import Period
from auditspan.reports.search import search
from auditspan.reports.source import Source
from auditspan.storage.config import StoreConfig
from auditspan.storage.engine import Engine, open_engine
from auditspan.storage.migrations import migrate
from auditspan.storage.read_settings import FIXED
from bench.lib.collector import bench
from bench.lib.processes import cpu
from bench.lib.results import keep
from bench.pipeline.__main__ import show
from bench.query.indexes import index_costs
from bench.query.store import fill

CHAIN_BAR_MS, RUNS = 100.0, 7
MONTH = Period(datetime(2026, 9, 1, tzinfo=UTC), datetime(2026, 10, 1, tzinfo=UTC))
Figures = dict[str, JsonValue]
Question = Callable[[Source, int], object]


def main() -> int:
    """Make the store, ask, keep, and fail beyond the bar."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--keep", type=Path, help="folder of the store; used again if it is there")
    options = parser.parse_args()
    with _folder(options.keep) as folder:
        data = Path(folder) / "data"
        made = _made(data, options.rows)
        with _engine(data) as engine:
            asked = questions(engine)
        figures = _asked(data, asked)
        with _engine(data) as engine:
            for name, question in asked.items():
                figures[name] |= _read(engine, question)  # type: ignore[operator]
            rest: Figures = {**_about(engine), "indexes": index_costs(engine)}
    whole: Figures = {**made, "questions": dict(figures), **rest}
    show(whole)
    print(f"written to {keep('query', whole, bars={'chain_ms': CHAIN_BAR_MS})}")
    found = figures["decision chain of a trace"]
    assert isinstance(found, dict) and isinstance(found["ms"], float)
    return int(found["ms"] > CHAIN_BAR_MS)


def questions(engine: Engine) -> dict[str, Question]:
    """What is asked; each time about another record, for the engine remembers what it was asked."""
    found = engine.arrow(
        "SELECT TraceId, ConversationId, TargetId, ToolArguments, AgentId FROM audit_records "
        "WHERE TargetId != '' AND cityHash64(TraceId) % 9973 = 0 "
        "ORDER BY cityHash64(RecordId) LIMIT {runs:UInt32}",
        {"runs": RUNS},
    ).to_pylist()
    texts = [row["ToolArguments"].partition('"note":"')[2][:12] for row in found]
    ever = Period()
    agents = [f"agent-{number + 3:02}" for number in range(RUNS)]
    by_column = (
        "SELECT RecordId, Timestamp, AgentId, {} FROM audit WHERE {} "
        "ORDER BY Timestamp DESC LIMIT 1000"
    )
    target = by_column.format("Summary", "TargetId = {value:String}")
    text = by_column.format("ToolArguments", "position(ToolArguments, {value:String}) > 0")
    return {
        "decision chain of a trace": lambda on, run: chain(on, trace=found[run]["TraceId"]),
        "decision chain of a conversation": lambda on, run: chain(
            on, conversation=found[run]["ConversationId"]
        ),
        "last 100 actions of an agent": lambda on, run: search(
            on, {"agent": agents[run]}, ever, 100
        ),
        "last 100 actions of the busiest agent": lambda on, run: search(
            on, {"agent": "agent-00"}, ever, 100 + run
        ),
        "all denied of a month": lambda on, run: search(
            on, {"decision": "deny"}, MONTH, 100_000 + run
        ),
        "all actions on one target": lambda on, run: search(
            on, {"target": found[run]["TargetId"]}, ever, 1_000
        ),
        "the same by its column alone": lambda on, run: on.arrow(
            target, {"value": found[-run]["TargetId"]}
        ),
        "free text anywhere, a month": lambda on, run: search(on, {"text": texts[run]}, MONTH, 100),
        "free text in arguments": lambda on, run: on.arrow(text, {"value": texts[run]}),
        "counts by agent and outcome": lambda on, run: on.arrow(
            f"SELECT AgentId, PolicyOutcome, count() AS n FROM audit GROUP BY 1, 2 LIMIT {99 + run}"
        ),
    }


def _asked(data: Path, asked: Mapping[str, Question]) -> dict[str, JsonValue]:
    figures: dict[str, JsonValue] = {}
    limits: Figures = {"service": {"query_limits": {"seconds": 120}}}
    with bench(data, limits, registry=False) as at:
        at.drained()
        token = data / "secrets" / "operator.token"
        with opened(Place(data, token_file=token)) as source:
            for name, question in asked.items():
                taken, before = [], sum(cpu(at.pids).values())
                for run in range(RUNS):
                    began = time.perf_counter()
                    question(source, run)
                    taken.append((time.perf_counter() - began) * 1e3)
                used = (sum(cpu(at.pids).values()) - before) / RUNS * 1e3
                figures[name] = {
                    "cold_ms": round(taken[0], 1),
                    "ms": round(statistics.median(taken[1:]), 1),
                    "cpu_ms": round(used, 1),
                }
                print(f"{name}: {figures[name]}", flush=True)
    return figures


class _Counting:
    """A source that says what the engine read."""

    def __init__(self, engine: Engine) -> None:
        self.engine, self.rows, self.bytes, self.answer = engine, 0, 0, 0

    def arrow(self, sql: str, params: Mapping[str, Any] | None = None) -> pa.Table:
        """Run it twice: for the answer and for the count."""
        table = self.engine.arrow(sql, params)
        with self.engine.session({**FIXED, "use_query_condition_cache": 0}) as session:
            texts = {name: _text(value) for name, value in (params or {}).items()}
            session._handle.query("USE auditspan", "Null")  # type: ignore[attr-defined]
            result = session._handle.query(sql, "Native", params=texts)  # type: ignore[attr-defined]
            self.rows += result.storage_rows_read()
            self.bytes += result.storage_bytes_read()
        self.answer += table.num_rows
        return table


def _text(value: object) -> str:
    from auditspan.storage.values import text

    return text(value)  # type: ignore[arg-type]


def _read(engine: Engine, question: Question) -> Figures:
    source = _Counting(engine)
    question(source, 0)
    return {
        "rows_read": source.rows,
        "mb_read": round(source.bytes / 1e6, 1),
        "answer_rows": source.answer,
    }


def _about(engine: Engine) -> Figures:
    [row] = engine.arrow(
        "SELECT sum(rows) AS records, count() AS parts, sum(bytes_on_disk) AS disk_bytes "
        "FROM system.parts WHERE table = 'audit_records' AND active"
    ).to_pylist()
    return {**row, "disk_bytes_a_record": round(row["disk_bytes"] / row["records"])}


def _made(data: Path, rows: int) -> Figures:
    if (data / "store").exists():
        return {"generated": 0}
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    began = time.monotonic()
    with _engine(data) as engine:
        migrate(engine)
        done = fill(engine, rows, lambda words: print(words, flush=True))
    return {"generated": done, "seconds": round(time.monotonic() - began)}


class _engine:
    """The store of a stopped collector, with memory for a benchmark."""

    def __init__(self, data: Path) -> None:
        self.config = StoreConfig(path=data / "store", max_memory=6_000_000_000)

    def __enter__(self) -> Engine:
        self.engine = open_engine(self.config)
        return self.engine

    def __exit__(self, *_: object) -> None:
        self.engine.close()


def _folder(kept: Path | None) -> AbstractContextManager[str]:
    if kept is None:
        return tempfile.TemporaryDirectory(prefix="auditspan-bench-")
    kept.mkdir(mode=0o700, parents=True, exist_ok=True)
    return nullcontext(str(kept))


if __name__ == "__main__":
    sys.exit(main())
