"""A collector verifies what it has sealed, while it runs and when it is stopped."""

import json
import subprocess
import sys
from pathlib import Path

from auditspan.integrity import verify as auditors_file
from tests.end_to_end.running import running


def test_a_collector_is_verified_as_it_runs_and_after(tmp_path: Path) -> None:
    """VALID both times; its package convinces the auditor's own file, by itself."""
    package, policy = tmp_path / "case.zip", tmp_path / "policy.txt"
    with running(tmp_path / "data") as collector:
        # Each of these reads is a record that is sealed, so there is something to verify.
        collector.rows("SELECT 1 AS one")
        collector.wait_for("SELECT count() FROM audit_records", 1)
        found = collector.auditspan("verify", "--format", "json")
        assert json.loads(found.stdout)["population"]["recomputed"] > 0
        policy.write_text(collector.auditspan("log", "policy").stdout)
        collector.auditspan("evidence", "build", "-o", str(package))
        read = "Report = 'evidence build' AND Statement = 'verification rows'"
        collector.wait_for(f"SELECT count() FROM access_log WHERE {read}", 1)
    done = subprocess.run(
        [sys.executable, "-I", str(auditors_file.__file__), str(package), "--policy", str(policy)],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout.split(",")[0]) == (0, "VALID")
    stopped = collector.auditspan("verify", "--policy", str(policy))
    assert stopped.stdout.startswith("VALID")
