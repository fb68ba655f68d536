"""The figures that matter, for the README: what was measured, the bar, the command for it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from pydantic import JsonValue

from bench.lib.results import number

Row = tuple[str, str, str, str]
HEADS: Final = ("", "measured", "bar", "command")

_SINGLE: Final = (
    ("CPU of a span, received to sealed, stored and merged", "pipeline",
     "standard.sustained.cpu_us_all", "{:.0f} µs", "50 µs", "make bench"),
    ("the same spans through Rotel and its inserts, which neither attribute nor seal nor sync",
     "peers", "rotel, last.together", "{:.0f} µs", "", "make bench"),
    ("acknowledgement at 5,000 spans a second, p99", "pipeline",
     "latency.p99_ms", "{:.0f} ms", "50 ms", "make bench"),
    ("memory of all processes without a pause", "pipeline",
     "standard.sustained.peak_mb", "{:,.0f} MB", "1,200 MB", "make bench"),
    ("idle, of a core", "small", "idle.cpu_percent", "{:.1f} %", "1 %", "make bench"),
    ("one span a second, of a core", "small",
     "1 span a second.cpu_percent", "{:.1f} %", "5 %", "make bench"),
    ("receipt to signed checkpoint at 1,000 requests a second, p99", "small",
     "1,000 requests a second.lag_p99_s", "{:.1f} s", "3 s", "make bench"),
    ("decision chain of a trace among ten million records", "query",
     "questions.decision chain of a trace.ms", "{:.0f} ms", "100 ms", "make bench-query"),
    ("`auditspan verify`, two cores", "verify",
     "records_per_second", "{:,.0f} records/s", "100,000", "make bench"),
    ("records lost among those acknowledged, collectors killed at every step", "crash",
     "lost", "{:,.0f}", "0", "make crash"),
    ("records stored twice, the same kills", "crash", "duplicates", "{:,.0f}", "0", "make crash"),
)  # fmt: skip


def few(results: Path) -> Iterator[Row]:
    """The rows of what is measured; what is not has none."""
    for what, file, names, form, bar, command in _SINGLE:
        path = results / f"{file}.json"
        if path.exists():
            whole: dict[str, dict[str, JsonValue]] = json.loads(path.read_text("utf-8"))
            value = number(whole["figures"], names)
            kills = number(whole["figures"], "kills") if file == "crash" else None
            words = f"{what} ({kills:,} kills)" if kills is not None else what
            yield words, form.format(value), bar, f"`{command}`"
