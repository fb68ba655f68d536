"""Tables of docs/benchmarks.md, docs/scaling.md and the README from bench/results/*.json.

    .venv-dev/bin/python -m bench.report [--check]

What stands between `<!-- figures: name -->` and `<!-- end -->` is written anew; `--check` only says
whether the pages are up to date.
"""

import json
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from pydantic import JsonValue

from bench.lib.few import HEADS, few

ROOT = Path(__file__).parents[1]
PAGES, RESULTS = (
    (ROOT / "docs" / "benchmarks.md", ROOT / "docs" / "scaling.md", ROOT / "README.md"),
    ROOT / "bench" / "results",
)
_SECTION = re.compile(r"(<!-- figures: (\w+) -->\n).*?(<!-- end -->)", re.S)
Figures = Mapping[str, JsonValue]

STAGES = (
    ("receive (gRPC, hash, parse, scrub, serialise, spool)", "front"),
    ("decode", "stage.decode"),
    ("claims", "stage.claims"),
    ("normalize", "stage.normalize"),
    ("moment", "stage.moment"),
    ("identity", "stage.identity"),
    ("policy", "stage.policy"),
    ("privacy", "stage.privacy"),
    ("retention", "stage.retention"),
    ("severity", "stage.severity"),
    ("summary", "stage.summary"),
    ("finish", "stage.finish"),
    ("batch file", "stage.batch_file"),
    ("seal (entries)", "stage.seal"),
    ("insert and count", "stage.store"),
    ("sign", "stage.sign"),
    ("signing process", "signer"),
)


def main() -> int:
    """Write the pages, or compare them."""
    changed = False
    for page in PAGES:
        before = page.read_text("utf-8")
        after = rendered(before, RESULTS)
        changed |= before != after
        if "--check" not in sys.argv:
            page.write_text(after, "utf-8")
    return int(changed and "--check" in sys.argv)


def rendered(page: str, results: Path) -> str:
    """The page with the figures of a folder."""

    def section(found: re.Match[str]) -> str:
        path = results / f"{FILES.get(found[2], found[2])}.json"
        body = f"{table(HEADS, few(results))}\n" if found[2] == "few" else "Not measured yet.\n"
        if path.exists():
            whole = json.loads(path.read_text("utf-8"))
            body = f"{about(whole)}\n\n{TABLES[found[2]](whole['figures'])}\n"
        return f"{found[1]}\n{body}\n{found[3]}"

    return _SECTION.sub(section, page)


def about(whole: Figures) -> str:
    """Where and when."""
    machine = whole["machine"]
    assert isinstance(machine, dict)
    return (
        f"`{whole['command']}`, {str(whole['date'])[:10]}, commit `{whole['commit']}`, "
        f"{machine['cpu']}, {machine['cores']} cores, {round(_number(machine, 'memory_mb') / 1024)}"
        f" GB, load {machine['load']} at the end{_speed(machine)}."
    )


def _speed(machine: Figures) -> str:
    """How fast the cores were, before and after."""
    found = machine.get("loop_us")
    if not isinstance(found, list):
        return ""
    return f"; 10,000 steps of a loop took {found[0]:.0f} µs before and {found[1]:.0f} µs after"


def table(heads: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """A table in Markdown; numbers to the right."""
    heads = list(heads)
    lines = [heads, ["---", *["--:"] * (len(heads) - 1)], *([_word(c) for c in r] for r in rows)]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)


def pipeline(figures: Figures) -> str:
    """Stages, the longer run, and how it grows."""
    standard = _of(figures, "standard")
    costs, long = _of(standard, "cpu_us"), _of(standard, "sustained")
    named = [(words, _number(costs, name)) for words, name in STAGES if name in costs]
    stages = sum(_number(costs, name) for name in costs if name.startswith("stage."))
    rest = _number(costs, "engine") - stages
    parts = [
        table(
            ("stage", "µs of CPU a span"),
            [*named, ("engine besides (merges, waiting)", rest),
             ("**all, a batch at a time**", _number(costs, "all")),
             ("**all, without a pause, with all merges**", _number(long, "cpu_us_all"))],
        ),
        table(
            ("without a pause", ""),
            [("spans a second, two cores", long["spans_per_second"]),
             ("spans a second, one core", _of(figures, "cores")["spans_per_second"]),
             ("most memory of all processes, MB", long["peak_mb"]),
             ("growth of memory, MB", long["growth_mb"])],
        ),
        table(
            ("acknowledgement at 5,000 spans a second", "ms"),
            [(name, _of(figures, "latency")[f"{name}_ms"]) for name in ("p50", "p99", "max")],
        ),
        _growth(figures, costs),
    ]  # fmt: skip
    return "\n\n".join(parts)


def _growth(figures: Figures, standard: Figures) -> str:
    cases = {"batch of 20,000, 1.2 kB, 17 attributes": standard}
    cases |= {name: _of(_of(figures, "growth"), name, "cpu_us") for name in _of(figures, "growth")}
    cases["airline conversations as recorded"] = _of(figures, "airline", "cpu_us")
    columns = ("all", "front", "stage.decode", "stage.privacy", "stage.seal", "stage.store")
    rows = [(name, *(_number(case, column) for column in columns)) for name, case in cases.items()]
    heads = ("µs of CPU a span", *(column.removeprefix("stage.") for column in columns))
    return table(heads, rows)


def peers(figures: Figures) -> str:
    """Side by side."""
    rows = []
    for name, case in figures.items():
        assert isinstance(case, dict)
        first = case.get("collector", case.get("decode"))
        second = case.get("engine", case.get("ingest", case.get("insert")))
        both = case.get("together", round(_number(case, "decode") + _number(case, "insert"), 2)
                        if "decode" in case else "")  # fmt: skip
        speed, memory = case.get("spans_per_second", ""), case.get("peak_mb", "")
        rows.append((name, first, second, both, speed, memory))
    heads = ("", "collector µs", "ingest or engine µs", "together µs", "spans/s", "MB")
    return table(heads, rows)


def small(figures: Figures) -> str:
    """Rates, and large spans."""
    names = ("cpu_percent", "ack_p50_ms", "ack_p99_ms", "lag_p50_s", "lag_p99_s")
    heads = ("", "CPU, % of a core", "ack p50 ms", "ack p99 ms", "lag p50 s", "lag p99 s")
    rates = [name for name in figures if name != "60 kB a span"]
    rows = [(name, *(_of(figures, name).get(column, "") for column in names)) for name in rates]
    large = _of(figures, "60 kB a span")
    return "\n\n".join(
        (
            table(heads, rows),
            table(
                ("60 kB a span", ""),
                [(words, large[name]) for words, name in (
                    ("spans a second", "spans_per_second"), ("CPU µs a span", "cpu_us_all"),
                    ("most memory of all processes, MB", "peak_mb"),
                )],
            ),
        )
    )  # fmt: skip


def sealing(figures: Figures) -> str:
    """What it costs, how long it takes, and idle."""
    sizes = _of(figures, "batches_ms")
    rows = [
        ("CPU of a record, marginal, µs", figures["record_us"]),
        ("CPU of a batch, fixed, ms", figures["batch_ms"]),
        *((f"CPU of a batch of {rows}, ms", sizes[rows]) for rows in sizes),
        ("receipt to signed checkpoint, median, s", _of(figures, "lag")["p50_s"]),
        ("receipt to signed checkpoint, p99, s", _of(figures, "lag")["p99_s"]),
        ("idle, all processes, % of a core", _of(figures, "idle")["cpu_percent"]),
    ]
    return table(("sealing", ""), rows)


def verify(figures: Figures) -> str:
    """From the store, and offline."""
    rows = [
        (f"records a second, of {figures['records']:,}", figures["records_per_second"]),
        ("CPU of a record, µs", figures["record_us"]),
        (f"evidence of {figures['shown']:,}: built, s", figures["built_s"]),
        ("verified offline, s", figures["offline_s"]),
        ("its size, MB", figures["package_mb"]),
    ]
    return table(("verification", ""), rows)


def query(figures: Figures) -> str:
    """Questions, then indexes."""
    names = ("ms", "cold_ms", "cpu_ms", "rows_read", "mb_read", "answer_rows")
    heads = ("question", "ms", "first, ms", "CPU ms", "rows read", "MB read", "rows")
    asked = _of(figures, "questions")
    rows = [(name, *(_of(asked, name)[column] for column in names)) for name in asked]
    indexes = _of(figures, "indexes")
    costs = [
        (name, found.get("on", ""), found.get("mb", ""), found["insert_us"])
        for name in indexes
        if (found := _of(indexes, name))
    ]
    return "\n\n".join(
        (
            f"{figures['records']:,} records, {figures['parts']} parts, "
            f"{figures['disk_bytes_a_record']} bytes a record on disk.",
            table(heads, rows),
            table(("index", "on", "MB", "µs of an insert a record"), costs),
        )
    )


def capacity(figures: Figures) -> str:
    """Bytes a record, wherever it lies."""
    names = ("wire", "spool", "batch_file", "records", "seals", "backup")
    heads = ("bytes a span", "sent", "spool", "batch file", "store", "its seal", "backup of all")
    return table(heads, [(name, *(_of(figures, name)[c] for c in names)) for name in figures])


def pace(figures: Figures) -> str:
    """What one core and a machine keep up with."""
    standard = _of(figures, "standard")
    one, long = _of(figures, "cores"), _of(standard, "sustained")
    rows: list[tuple[object, ...]] = [
        ("spans a second, one core", one["spans_per_second"]),
        ("spans a second, two cores", long["spans_per_second"]),
        ("CPU of a span, all processes and merges, µs", long["cpu_us_all"]),
        ("most memory of all processes, MB", long["peak_mb"]),
    ]
    return table(("spans of 1.2 kB in batches of 20,000", ""), rows)


def guard(figures: Figures) -> str:
    """What a guarded call costs over a bare span."""
    over = _of(figures, "over")
    cases: dict[str, Figures] = {name: _of(over, name) for name in over}
    cases["@tool, allowed, each record forced to disk"] = _of(figures, "fsync")
    rows = [(name, case["cpu_us"], case["us"]) for name, case in cases.items()]
    bare = _of(figures, "bare")
    rows.insert(0, ("a bare span, alone", bare["cpu_us"], bare["us"]))
    own = table(("over the bare span", "CPU, µs", "by the clock, µs"), rows)
    there = _of(figures, "frameworks")
    added = [(name, case["cpu_us"], case["us"]) for name in there for case in [_of(there, name)]]
    heads = ("over the same call without a guard", "CPU, µs", "by the clock, µs")
    return f"{own}\n{table(heads, added)}"


FILES: Mapping[str, str] = {"pace": "pipeline"}
"""Sections of which the figures are in a file of another name."""

TABLES: Mapping[str, Callable[[Figures], str]] = {
    "pipeline": pipeline,
    "peers": peers,
    "small": small,
    "sealing": sealing,
    "verify": verify,
    "query": query,
    "capacity": capacity,
    "pace": pace,
    "guard": guard,
}


def _of(figures: Figures, *names: str) -> dict[str, JsonValue]:
    found: JsonValue = dict(figures)
    for name in names:
        assert isinstance(found, dict)
        found = found[name]
    assert isinstance(found, dict)
    return found


def _number(figures: Figures, name: str) -> float:
    value = figures[name]
    assert isinstance(value, int | float)
    return float(value)


def _word(value: object) -> str:
    if isinstance(value, float):
        return f"{value:,.1f}"
    return f"{value:,}" if isinstance(value, int) else str(value)


if __name__ == "__main__":
    sys.exit(main())
