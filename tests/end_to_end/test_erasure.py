"""Content is erased from a running collector for good, and the trail stays valid."""

import json
import os
from pathlib import Path

import pytest

from tests.end_to_end.bodies import PROTOBUF, body, post
from tests.end_to_end.running import Collector, running

SECRET = "cus-violet-4711@example.test"
ARGUMENTS = json.dumps({"customer": SECRET, "amount": 120})


def calls(collector: Collector, count: int, **attributes: str) -> None:
    """Send tool calls."""
    sent = body(
        "execute_tool pay",
        count,
        **{"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "pay", **attributes},
    )
    assert post(collector.addresses["http"], sent, content_type=PROTOBUF).code == 200


def found(data: Path, needle: bytes = SECRET.encode()) -> list[str]:
    """Files of the data folder that hold the secret; folders may go while they are looked at."""
    files = [Path(folder) / name for folder, _, names in os.walk(data) for name in names]
    regular = (path for path in files if path.is_file())
    return [str(path.relative_to(data)) for path in regular if needle in bytes_of(path)]


def bytes_of(path: Path) -> bytes:
    """Of a file, which a running collector may have renamed or removed meanwhile."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""


@pytest.mark.timeout(240)
def test_a_subject_is_erased_and_the_trail_stays_valid(tmp_path: Path) -> None:
    """Hold, release, erase, certificate; nothing in any file; VALID before and after."""
    data = tmp_path / "data"
    with running(data) as collector:
        calls(collector, 2, **{"gen_ai.tool.call.arguments": ARGUMENTS})
        calls(collector, 3, note="nobody")
        collector.wait_for("SELECT count() FROM audit WHERE ToolName = 'pay'", 5)
        read = f"SELECT count() FROM audit WHERE position(ToolArguments, '{SECRET}') > 0"
        assert next(iter(collector.rows(read)[0].values())) == 2
        collector.wait_for("SELECT count() FROM access_log WHERE Statement LIKE '%violet%'", 1)
        assert len(found(data)) > 1

        why = ("--reason", "asked by letter", "--ticket", "DSR-1")
        placed = collector.auditspan("hold", "add", "--filter", "tool=pay", *why)
        hold = placed.stdout.split()[1]
        erase = ("erase", "--subject", SECRET, "--yes", *why)
        refused = collector.auditspan(*erase, check=False)
        assert refused.returncode == 1
        assert "release it first" in refused.stderr
        assert hold in collector.auditspan("hold", "list", "--format", "json").stdout
        collector.auditspan("hold", "release", hold, *why)

        done = collector.auditspan(*erase)
        assert "certificate of erasure" in done.stdout, done.stdout + done.stderr
        erasure = done.stdout.split("certificate of erasure ")[1].split()[0]
        shown = collector.auditspan("erasures", "certificate", erasure, "--format", "json")
        paper = json.loads(shown.stdout)
        erased = [row for row in paper["records"] if "arguments" in row["groups"]]
        assert len(erased) == 2
        assert all(row["matches_seal"] for row in paper["records"])
        assert paper["statements_of_readers"] >= 1
        assert paper["ticket"] == "DSR-1"
        left = collector.rows("SELECT ToolArguments, AgentId FROM audit WHERE ToolName = 'pay'")
        assert len(left) == 5 - len([r for r in erased if "tool" in r["groups"]])
        assert {row["ToolArguments"] for row in left} == {""}
        assert found(data) == []
        verdict = collector.auditspan("verify", "--format", "json", check=False)
        report = json.loads(verdict.stdout)
        assert report["verdict"] == "VALID", report
        assert sum(log["states"].get("erased-groups", 0) for log in report["logs"]) >= 3, report
    assert found(data) == []
