"""Results as JSON in `bench/results/`: the figures with machine, date, commit and command."""

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from pydantic import JsonValue

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "bench" / "results"


def loop_us() -> float:
    """Microseconds of CPU that a loop of 10,000 steps takes: how fast the cores are just now.

    Those of a shared machine are slower by half at times, and every figure with them.
    """

    def once() -> float:
        began, total = time.process_time_ns(), 0
        for step in range(10_000):
            total += step
        return (time.process_time_ns() - began) / 1000

    return median([once() for _ in range(101)], 0)


def keep(name: str, figures: dict[str, JsonValue], **about: JsonValue) -> Path:
    """Write the figures of one benchmark."""
    path = RESULTS / f"{name}.json"
    whole: dict[str, JsonValue] = {
        "benchmark": name,
        "command": " ".join(["python", "-m", f"bench.{name}", *sys.argv[1:]]),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit(),
        "machine": machine(),
        **about,
        "figures": figures,
    }
    path.write_text(json.dumps(whole, indent=1, sort_keys=False) + "\n")
    return path


def machine() -> dict[str, JsonValue]:
    """What it ran on, and how busy that was besides."""
    words = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.partition(":")[2].strip() for line in words if "model name" in line), "")
    memory = int(Path("/proc/meminfo").read_text().split()[1]) // 1024
    return {
        "cpu": model,
        "cores": os.cpu_count() or 0,
        "memory_mb": memory,
        "load": round(os.getloadavg()[0], 2),
        "loop_us": [_LOOP_US_AT_START, loop_us()],
        "python": sys.version.split()[0],
    }


def commit() -> str:
    """The commit, with a mark if files differ from it."""
    git = ("git", "-C", str(ROOT))
    head = subprocess.run([*git, "rev-parse", "--short=12", "HEAD"], capture_output=True, text=True)
    if head.returncode:
        return ""
    changed = subprocess.run([*git, "diff", "--quiet", "HEAD", "--", "*.py", "*.sql"]).returncode
    return head.stdout.strip() + ("+changes" if changed else "")


def number(figures: Mapping[str, JsonValue], names: str) -> float:
    """A figure within others, as `case.name` has it."""
    found: JsonValue = dict(figures)
    for name in names.split("."):
        assert isinstance(found, dict), names
        found = found[name]
    assert isinstance(found, int | float), names
    return found


def median(values: Sequence[float], digits: int = 2) -> float:
    """The median, rounded."""
    return round(statistics.median(values), digits)


def quantile(values: Sequence[float], share: float, digits: int = 2) -> float:
    """The value that this share is not beyond."""
    ordered = sorted(values)
    return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))], digits)


_LOOP_US_AT_START = loop_us()
