"""`make demo` as a user runs it, and the trail that it leaves."""

import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from auditspan.cli.store import Place, Store, opened
from auditspan.semconv.column import Column
from auditspan.semconv.columns import BY_NAME, UNSEALED

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "not-produced-yet.md").read_text(encoding="utf-8")


@dataclass(frozen=True)
class Demo:
    """The demo, after it ended."""

    printed: str
    store: Store
    work: Path

    def rows(self, sql: str) -> list[dict[str, Any]]:
        """Ask the store, which no collector holds any more."""
        found: list[dict[str, Any]] = self.store.arrow(sql).to_pylist()
        return found


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """Run it once."""
    work = tmp_path_factory.mktemp("demo")
    done = subprocess.run(
        [sys.executable, str(ROOT / "examples" / "demo" / "run.py"), "--work", str(work)],
        capture_output=True,
        text=True,
        timeout=150,
    )
    assert done.returncode == 0, (done.stdout[-3000:], done.stderr[-3000:])
    with opened(Place(work / "data")) as store:
        yield Demo(done.stdout, store, work)


def test_it_prints_what_it_must(demo: Demo) -> None:
    """Counts, a chain over two agents, a stopped and a flagged call with their rules, and SQL."""
    for expected in (
        r"Counts by action",
        r"tool\.call +│ support-agent",
        r"The model behind the agents is scripted",
        r"refund_order on order:O-1001  by support-agent for alice  allow by refund-up-to-500",
        r"delete_customer on customer:C-1001 .* deny by never-delete-customers \(blocked\)  denied",
        r"invoke_agent  by finance-agent for bob",
        r"list_invoices .* grant-required .* authorization\.expired, policy\.violation",
        r"get_customer .* identity\.unregistered",
        r"  VALID +anchored: local\n +records +\d+ present-ok\n",
        r"local anchor only: truncation, rollback to a backup and key theft",
        r"  INVALID +anchored: local\n +records +\d+ present-ok, 1 ALTERED\n",
        r"INVALID record\.altered \S+ \[\d+\] record [0-9a-f-]{36}: its content is not what was",
    ):
        assert re.search(expected, demo.printed), expected
    assert len(re.findall(r"^ *SELECT ", demo.printed, re.MULTILINE)) == 5


def test_every_column_is_filled_or_said_to_be_empty(demo: Demo) -> None:
    """A column that no record of the demo fills is on the page, and no other one is."""
    # Salts are in no view.
    seen = [column for name, column in BY_NAME.items() if name not in UNSEALED]
    counts = ", ".join(f"{_filled(column)} AS of{column.name}" for column in seen)
    [row] = demo.rows(f"SELECT {counts} FROM audit_records")
    empty = {name.removeprefix("of") for name, records in row.items() if not records}
    assert empty == set(re.findall(r"`([A-Z][A-Za-z]+)`", _first_cells()))


def test_nobody_is_believed_without_proof(demo: Demo) -> None:
    """Agents with keys and users with tokens are verified; the stranger stays a claim."""
    rows = demo.rows(
        "SELECT DISTINCT AgentId, AgentProvenance, UserId, UserProvenance FROM audit_records "
        "WHERE ActionType = 'tool.call' ORDER BY AgentId"
    )
    assert [tuple(row.values()) for row in rows] == [
        ("analyst-agent", "verified", "carol", "verified"),
        ("finance-agent", "verified", "bob", "verified"),
        ("growth-helper", "claimed", "bob", "claimed"),
        ("support-agent", "verified", "alice", "verified"),
    ]


def test_the_delegation_chain_is_kept(demo: Demo) -> None:
    """Bob's token says through whom the finance agent acts for him."""
    rows = demo.rows(
        "SELECT DISTINCT DelegationChain FROM audit_records "
        "WHERE ActionType = 'tool.call' AND AgentId = 'finance-agent'"
    )
    assert rows == [{"DelegationChain": ["finance-agent", "support-agent"]}]


def test_guard_and_collector_agree(demo: Demo) -> None:
    """What the guards decided is what the collector decides, so nothing was bypassed."""
    [row] = demo.rows(
        "SELECT countIf(GuardOutcome != '') AS decided, "
        "countIf(GuardOutcome != '' AND GuardOutcome != PolicyOutcome) AS different, "
        "countIf(hasAny(Findings, ['policy.bypass', 'policy.stale'])) AS bypassed "
        "FROM audit_records"
    )
    assert row["decided"] > 10
    assert (row["different"], row["bypassed"]) == (0, 0)


def test_no_secret_is_left_behind(demo: Demo) -> None:
    """Neither a user's token nor an agent's key is in the store, a batch, a spool or a log."""
    secrets = [path.read_bytes() for path in (*demo.work.glob("*.token"), *demo.work.glob("*.key"))]
    assert len(secrets) == 6
    secrets.append(b"demo-bank-key")
    for path in demo.work.rglob("*"):
        if path.is_file() and path.suffix not in (".token", ".key"):
            content = path.read_bytes()
            assert not any(secret in content for secret in secrets), path


def _filled(column: Column) -> str:
    """Counts the records in which a column holds anything; a `false` is something where null is."""
    if column.type.startswith(("Map", "Array")):
        return f"countIf(notEmpty({column.name}))"
    if column.type.startswith("Nullable"):
        return f"countIf(isNotNull({column.name}))"
    return f"countIf(notEmpty(toString({column.name})) AND {column.name} != {_zero(column)})"


def _zero(column: Column) -> str:
    """What a column holds that nothing was written to."""
    if "String" in column.type:
        return "''"
    if column.type.startswith("Date"):
        return f"CAST(0, '{column.type}')".replace("'UTC'", "''UTC''")
    return "0"


def _first_cells() -> str:
    lines = [line for line in PAGE.splitlines() if line.startswith("| `")]
    return "\n".join(line.split("|")[1] for line in lines)
