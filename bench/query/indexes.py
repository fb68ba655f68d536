"""What each skip index takes: bytes on disk, and CPU of an insert of one batch without it."""

import re
import statistics
import time

from pydantic import JsonValue

from auditspan.storage.engine import Engine
from bench.query.template import ROWS, template

_RUNS = 7
_NO_MERGES = "max_bytes_to_merge_at_max_space_in_pool = 1, "
_INDEX = re.compile(r"\n    INDEX (\w+) [^\n]*?(?=,?\n)")


def index_costs(engine: Engine) -> dict[str, JsonValue]:
    """By index; `none` is the insert without any, `all` the insert as it is."""
    sizes = {
        row["name"]: row
        for row in engine.arrow(
            "SELECT name, type, expr, data_compressed_bytes AS bytes "
            "FROM system.data_skipping_indices WHERE table = 'audit_records'"
        ).to_pylist()
    }
    taken = _inserts(engine, list(sizes))
    found: dict[str, JsonValue] = {name: {"insert_us": taken[name]} for name in ("all", "none")}
    for name, row in sizes.items():
        found[name] = {
            "on": row["expr"],
            "type": row["type"],
            "mb": round(row["bytes"] / 1e6, 2),
            "insert_us": round(taken["all"] - taken[name], 2),
        }
    return found


def _inserts(engine: Engine, names: list[str]) -> dict[str, float]:
    """CPU µs a row of an insert with all, none, and all but each."""
    ddl = engine.raw("SHOW CREATE TABLE audit_records", "TSVRaw").decode()
    batch = template(engine)
    variants = {"all": (), "none": tuple(names), **{name: (name,) for name in names}}
    for name, dropped in variants.items():
        engine.command(_without(ddl, dropped).replace("audit_records", f"without_{name}"))
    runs: dict[str, list[float]] = {name: [] for name in variants}
    for _ in range(_RUNS + 1):
        for name in variants:
            began = time.process_time()
            engine.insert(f"without_{name}", batch)
            runs[name].append((time.process_time() - began) / ROWS * 1e6)
    for name in variants:
        engine.command(f"DROP TABLE without_{name}")
    return {name: round(statistics.median(each[1:]), 2) for name, each in runs.items()}


def _without(ddl: str, dropped: tuple[str, ...]) -> str:
    kept = _INDEX.sub(lambda found: "" if found[1] in dropped else found[0], ddl)
    # Commas of the lines that are gone.
    kept = re.sub(r",(?:\s*,)+", ",", kept)
    kept = re.sub(r",\s*\n\)", "\n)", kept)
    return kept.replace("SETTINGS ", f"SETTINGS {_NO_MERGES}", 1)
