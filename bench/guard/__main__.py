"""What a guarded and recorded call costs over a bare span.

    .venv-dev/bin/python -m bench.guard [--full]

A process in `enforce` with policies in its registry folder and no collector in reach: every record
is on disk before the call returns, and counted there afterwards. The bare span is one of the SDK's
own provider, always sampled, with the same attributes and no span processor. All calls are measured
in turn, in rounds; figures are medians over the rounds of what a call takes more than the bare one
of the same round, CPU of the calling thread, system calls included. With `fsync` the disk is waited
for, so that is told by the clock. Frameworks that are installed are measured without and with their
guards: what it costs there besides what the framework takes. About a minute.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from pydantic import JsonValue

from bench.guard.cases import AGENT, GRANT, POLICIES, TOOLS
from bench.guard.measure import Rounds
from bench.lib.results import ROOT, keep

BAR_US = 60.0
"""For the allowed call on a cached decision, over the bare span."""
ALLOWED = "@tool, allowed"
Measured = Mapping[str, Rounds]


def main() -> int:
    """Measure, keep it, and fail beyond the bar."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--full", action="store_true")
    rounds = 60 if parser.parse_args().full else 20
    found = measured(rounds, 500, "false")
    usual, plain, guarded = found["own"], found["plain"], found["guarded"]
    forced = measured(rounds // 2, 20, "true")["own"]
    costs = {name: over(usual, name) for name in usual if name != "bare"}
    figures: dict[str, JsonValue] = {
        "bare": {**beyond(usual["bare"], [(0.0, 0.0)] * rounds)},
        "over": {name: {**cost} for name, cost in costs.items()},
        "fsync": {**over(forced, ALLOWED)},
        "frameworks": {name: {**beyond(guarded[name], plain[name])} for name in plain},
    }
    print(f"{'bare':55} {figures['bare']}")
    for name, cost in costs.items():
        print(f"{name:55} {cost}")
    print(f"{'fsync':55} {figures['fsync']}")
    for name in plain:
        print(f"{name:55} {beyond(guarded[name], plain[name])}")
    print(f"written to {keep('guard', figures, bars={'us': BAR_US})}")
    return int(costs[ALLOWED]["cpu_us"] > BAR_US)


def over(found: Measured, name: str) -> Mapping[str, float]:
    """Microseconds beyond the bare span."""
    return beyond(found[name], found["bare"])


def beyond(one: Rounds, other: Rounds) -> Mapping[str, float]:
    """Microseconds that one takes more. Both of a round had the machine at one speed."""
    pairs = list(zip(one, other, strict=True))
    return {
        clock: round(statistics.median(mine[at] - yours[at] for mine, yours in pairs), 1)
        for at, clock in enumerate(("cpu_us", "us"))
    }


def measured(rounds: int, calls: int, fsync: str) -> Mapping[str, Measured]:
    """One process."""
    with tempfile.TemporaryDirectory(prefix="auditspan-bench-") as folder:
        spool = Path(folder) / "spool"
        environ = {
            **os.environ,
            "AUDITSPAN_REGISTRY": str(registry(Path(folder) / "registry")),
            "AUDITSPAN_AGENT_ID": "support-agent",
            "AUDITSPAN_AGENT_NAME": "Support",
            "AUDITSPAN_GUARD_MODE": "enforce",
            "AUDITSPAN_SPOOL_DIR": str(spool),
            "AUDITSPAN_SPOOL_FSYNC": fsync,
            "AUDITSPAN_SPOOL_MAX_BYTES": str(2**31),
            # The discard port of this machine: nobody is there.
            "AUDITSPAN_ENDPOINT": "http://127.0.0.1:9",
            "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=production",
        }
        command = [sys.executable, "-m", "bench.guard.measure", str(rounds), str(calls)]
        done = subprocess.run(command, env=environ, cwd=ROOT, stdout=subprocess.PIPE, check=True)
    found: Mapping[str, Measured] = json.loads(done.stdout)
    return found


def registry(folder: Path) -> Path:
    """The registry folder of the guarded process."""
    for name, text in (
        ("agents/support.yaml", AGENT),
        ("tools/shop.yaml", TOOLS),
        ("grants/support.yaml", GRANT),
        ("policies/shop.cedar", POLICIES),
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


if __name__ == "__main__":
    sys.exit(main())
