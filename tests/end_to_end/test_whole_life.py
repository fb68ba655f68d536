"""One trail through all that may happen to it: after each step it is verified, and so is a package.

A column is added and the store migrated, records are held and released, a field is erased, the key
is rotated, everything is killed, records expire. The store is asked by the command line, the
package is read by the auditor's `verify.py` alone. Both versions of auditspan take part.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from auditspan.collector.control.stopped import operator
from auditspan.collector.data_dir import DataDir
from auditspan.integrity import verify as auditors_file
from auditspan.wire.envelope import OTLP_TRACES, Envelope, frame
from auditspan.wire.spool import SpoolLimits, SpoolWriter
from tests.end_to_end import next_version
from tests.end_to_end.bodies import PROTOBUF, body, post
from tests.end_to_end.running import CONFIG, Collector, running

WHY = ("--reason", "test", "--ticket", "T-1")
DAY_NS = 86_400 * 10**9
OLD = 4
"""Records that are past their day when they are stored."""
SHORT = f"{CONFIG}processors:\n  retention: {{classes: {{other: 1}}}}\n"
"""Spans that are no act of an agent are kept for a day."""


@dataclass
class Life:
    """The trail, and the packages that were made of it."""

    folder: Path
    packages: list[Path] = field(default_factory=list)

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def policy(self) -> Path:
        return self.folder / "policy.txt"

    def valid(self, collector: Collector, file: Path) -> dict[str, int]:
        """VALID by the store and by a package that is made now; states of the records."""
        package = self.folder / f"{len(self.packages)}.zip"
        policy = "--policy", str(self.policy)
        said = collector.auditspan("verify", "--format", "json", *policy, check=False)
        assert said.returncode == 0, said.stdout + said.stderr
        report = json.loads(said.stdout)
        collector.auditspan("evidence", "build", "-o", str(package), *policy)
        self.packages.append(package)
        self.package_valid(package, file)
        states: dict[str, int] = {}
        for log in report["logs"]:
            for state, count in log["states"].items():
                states[state] = states.get(state, 0) + count
        return states

    def package_valid(self, package: Path, file: Path) -> None:
        """By `verify.py`, with nothing but Python."""
        done = subprocess.run(
            [sys.executable, "-I", str(file), str(package), "--policy", str(self.policy)],
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert (done.returncode, done.stdout.split(",")[0]) == (0, "VALID"), done.stdout

    def spool_old_records(self) -> None:
        """As a collector that was away for three days finds what it had acknowledged before."""
        data, then = DataDir(self.data), time.time_ns() - 3 * DAY_NS
        envelope = Envelope(OTLP_TRACES, then, "", operator().to_json(), request=body("idle", OLD))
        writer = SpoolWriter(data.folder("spool"), data.instance, SpoolLimits())
        writer.append(frame(envelope), OLD)
        writer.close()


def pay(collector: Collector, count: int) -> None:
    """Tool calls with arguments."""
    sent = body(
        "execute_tool pay",
        count,
        **{
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": "pay",
            "gen_ai.tool.call.arguments": '{"customer": "cus-17", "amount": 120}',
        },
    )
    assert post(collector.addresses["http"], sent, content_type=PROTOBUF).code == 200


def kill(collector: Collector) -> None:
    """All processes of a collector at once, with no time to finish anything."""
    children = [*collector.children("engine"), *collector.children("signer")]
    for found in (collector.process.pid, *children):
        os.kill(found, signal.SIGKILL)
    collector.process.wait()


@pytest.mark.timeout(600)
def test_a_trail_stays_valid_through_all_that_happens_to_it(tmp_path: Path) -> None:
    """VALID after each step, by the store and by a package that is made then."""
    life, newer = Life(tmp_path), next_version.installed(tmp_path / "next")
    old_file, new_file = Path(auditors_file.__file__), next_version.verifier(newer)
    with running(life.data, SHORT) as collector:
        pay(collector, 3)
        collector.wait_for("SELECT count() FROM audit WHERE ToolName = 'pay'", 3)
        life.policy.write_text(collector.auditspan("log", "policy").stdout)
        life.valid(collector, old_file)

    with running(life.data, SHORT, code=-signal.SIGKILL, python=newer) as collector:
        steps(life, collector, lambda: life.valid(collector, new_file))
        kill(collector)

    life.spool_old_records()
    with running(life.data, SHORT, python=newer) as collector:
        held = f"SELECT {OLD} - count() FROM audit_records WHERE SpanName = 'idle'"
        collector.wait_for("SELECT max(LogIndex) FROM audit_seals WHERE Kind = 0", 1)
        collector.wait_for(held, OLD)
        states = life.valid(collector, new_file)
        assert states["expired"] == OLD, states
        assert states["erased-groups"] >= 1, states

    # A package is for years: the next version's file reads the first one, and the other way round.
    life.package_valid(life.packages[0], new_file)
    life.package_valid(life.packages[-1], old_file)
    assert collector.auditspan("verify").stdout.startswith("VALID")
    fill_the_new_column(life.data, tmp_path / "copy")
    copy = Collector(tmp_path / "copy", collector.process, {}, newer)
    found = json.loads(copy.auditspan("verify", "--format", "json", check=False).stdout)
    assert [problem["kind"] for problem in found["problems"]] == ["record.altered"]


def steps(life: Life, collector: Collector, valid: Callable[[], dict[str, int]]) -> None:
    """What is done to a collector of the next version while it runs."""
    described = collector.rows("DESCRIBE TABLE audit_records")
    assert next_version.COLUMN in [row["name"] for row in described]
    pay(collector, 2)
    collector.wait_for("SELECT count() FROM audit WHERE ToolName = 'pay'", 5)
    valid()
    hold = collector.auditspan("hold", "add", "--filter", "tool=pay", *WHY).stdout.split()[1]
    valid()
    collector.auditspan("hold", "release", hold, *WHY)
    one = collector.rows("SELECT RecordId FROM audit WHERE ToolName = 'pay' LIMIT 1")[0]
    erased = collector.auditspan(
        "erase", "--record", one["RecordId"], "--field", "ToolArguments", "--yes", *WHY
    )
    assert "certificate of erasure" in erased.stdout, erased.stdout + erased.stderr
    assert valid()["erased-groups"] >= 1
    collector.auditspan("keys", "rotate", *WHY)
    collector.wait_for("SELECT uniqExact(LogId) FROM audit_records WHERE LogId != ''", 2)
    valid()


def fill_the_new_column(data: Path, copy: Path) -> None:
    """In a record that is older than the column."""
    from auditspan.storage.engine import open_embedded

    shutil.copytree(data, copy, symlinks=True, ignore=shutil.ignore_patterns("*.sock"))
    store = open_embedded(copy / "store")
    try:
        oldest = "SELECT RecordId FROM audit_records ORDER BY ReceivedAt, LogIndex LIMIT 1"
        store.command(
            f"ALTER TABLE audit_records UPDATE {next_version.COLUMN} = 'red' "
            f"WHERE RecordId IN ({oldest}) SETTINGS mutations_sync = 2"
        )
    finally:
        store.close()
