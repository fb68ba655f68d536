"""`make demo`: three agents and a stranger work, and the trail tells who did what by which rule.

Starts a collector on free ports with a data folder of its own, applies the demo's registry, runs
the agents under `opentelemetry-instrument`, asks the trail, and stops everything.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console

from auditspan.cli.store import Place, opened
from proof import prove
from running import REGISTRY, Agent, Collector, Failed, collector, wait_for
from scripted_model import ScriptedModel
from show import show
from tokens import issue

AGENTS = (
    Agent(
        "support-agent", "agents.support", "alice",
        {"AUDITSPAN_REGISTRY": str(REGISTRY), "AUDITSPAN_GUARD_MODE": "enforce",
         "AUDITSPAN_CAPTURE": "arguments,results,calls,messages"},
    ),
    Agent("finance-agent", "agents.finance", "bob", {}),
    Agent(
        "analyst-agent", "agents.analyst", "carol",
        {"AUDITSPAN_REGISTRY": str(REGISTRY), "AUDITSPAN_GUARD_MODE": "observe"},
    ),
    Agent("growth-helper", "agents.shadow", "bob", {}, registered=False),
)  # fmt: skip
ARRIVED = """
SELECT countIf(SequenceMark = 'close') AS ended, max(Sequence) = uniqExact(Sequence) AS whole
FROM audit_records WHERE RecordKind = 'action' AND InstanceId != '' GROUP BY InstanceId"""
"""Per process of an agent: it has ended, and none of its numbered records is missing."""


def main() -> int:
    """Run the demo; the exit code."""
    options = _options()
    console, began = Console(), time.monotonic()
    with tempfile.TemporaryDirectory(prefix="auditspan-demo-") as temporary:
        try:
            _demo(_folder(options.work or Path(temporary)), console)
        except Failed as error:
            Console(stderr=True).print(f"the demo failed: {error}", markup=False, highlight=False)
            return 1
    console.print(f"\nDone in {time.monotonic() - began:.0f} seconds.", highlight=False)
    return 0


def _folder(path: Path) -> Path:
    """An empty folder. Raises Failed."""
    path.mkdir(parents=True, exist_ok=True)
    if any(path.iterdir()):
        raise Failed(f"--work {path}: expected an empty folder")
    return path.absolute()


def _demo(work: Path, console: Console) -> None:
    files = issue(work)
    console.print("Starting a collector on free ports of this machine …")
    with collector(work, files["jwks"]) as running:
        running.apply()
        model = ScriptedModel()
        try:
            for agent in AGENTS:
                how = agent.variables.get("AUDITSPAN_GUARD_MODE", "no guard")
                console.print(f"Running {agent.id} for {agent.user} ({how}) …", highlight=False)
                running.run(agent, model.base_url, files[agent.user])
        finally:
            model.close()
        console.print("The model behind the agents is scripted: examples/demo/conversations.yaml")
        _ask(running)
    prove(work, work / "notes", console)


def _ask(running: Collector) -> None:
    with opened(Place(running.data)) as store:

        def arrived() -> bool:
            rows = store.arrow(ARRIVED).to_pylist()
            return len(rows) == len(AGENTS) and all(row["ended"] and row["whole"] for row in rows)

        wait_for(arrived, "all records of all agents are in the store")
        show(store, "ticket-4711")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Show what auditspan does, in under a minute.")
    parser.add_argument(
        "--work", type=Path, help="an empty folder to keep the data in (default: none is kept)"
    )
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
