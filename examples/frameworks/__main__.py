"""Runs the agent against a collector of its own, and prints the decision chain of what it did."""

import argparse
import sys
import tempfile
from pathlib import Path

from examples.frameworks.model import scripted

HERE = Path(__file__).parent
sys.path.append(str(HERE.parent / "demo"))  # whose collector this is

from running import WHY, Agent, Collector, Failed, collector, wait_for  # noqa: E402
from tokens import issue  # noqa: E402

TRACE = (
    "SELECT any(TraceId) AS trace FROM audit WHERE AgentId = 'travel-agent' AND ToolName != '' "
    "HAVING countIf(ToolName = 'ask_refund_desk') > 0"
)
"""The outermost call ends last, so that with it all are there."""


def main() -> int:
    """Run it; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, help="an empty folder to keep the data in")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="auditspan-frameworks-") as temporary:
        work = (options.work or Path(temporary)).absolute()
        work.mkdir(parents=True, exist_ok=True)
        try:
            _run(work)
        except Failed as error:
            sys.stderr.write(f"failed: {error}\n")
            return 1
    return 0


def _run(work: Path) -> None:
    files = issue(work)
    variables = {
        "AUDITSPAN_REGISTRY": str(HERE / "registry"),
        "AUDITSPAN_GUARD_MODE": "enforce",
        "AUDITSPAN_REQUIRE_GUARD": "true",
    }
    agent = Agent(
        "travel-agent", "", "alice", variables, program=(str(HERE / "agency" / "agent.py"),)
    )
    with collector(work, files["jwks"]) as running, scripted() as model:
        running.command("apply", str(HERE / "registry"), *WHY)
        print(running.run(agent, model, files["alice"]))
        print(running.command("trace", _trace(running)))


def _trace(running: Collector) -> str:
    found: list[str] = []

    def there() -> bool:
        found[:] = running.command("query", TRACE, "--format", "csv").splitlines()[1:]
        return bool(found)

    wait_for(there, "the agent's records are in the store")
    return found[0]


if __name__ == "__main__":
    sys.exit(main())
