"""The life of the keys of logs: made before the first start, rotated, revoked, verified."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from auditspan.collector.control.log_keys import key_id
from auditspan.collector.data_dir import SIGNER
from auditspan.collector.signer.state import LogHead, read_state
from auditspan.integrity import verify
from auditspan.integrity.policy import parse_policy
from auditspan.reports.verification.trust import folder_policy
from auditspan.storage.engine import open_embedded
from tests.collector.signer.key_service import KeyService
from tests.end_to_end.bodies import body, post
from tests.end_to_end.running import CONFIG, Collector, ran, running

PROTOBUF = "application/x-protobuf"
VERIFY = str(verify.__file__)
ACTIONS = "SELECT count() FROM audit WHERE RecordKind = 'action'"


def send(collector: Collector, number: int) -> None:
    """One request of three spans, stored."""
    done = post(collector.addresses["http"], body(f"n{number}", 3), content_type=PROTOBUF)
    assert done.code == 200
    collector.wait_for(ACTIONS, 3 * number)


def run(*words: str | Path, data: Path) -> subprocess.CompletedProcess[str]:
    """The command line on a folder."""
    return ran(*words, "--data", data)


def logs(data: Path) -> tuple[LogHead, ...]:
    """What the signing process knows of them, the oldest first."""
    return read_state(data / SIGNER).logs


def verified(data: Path, policy: Path) -> dict[str, Any]:
    """The verdict by a policy that was printed before there was anything to verify."""
    done = run("verify", "--policy", policy, "--format", "json", data=data)
    assert done.stdout, done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    assert done.returncode == {"VALID": 0, "INVALID": 1, "UNVERIFIABLE": 2}[report["verdict"]]
    return report


def test_the_life_of_keys(tmp_path: Path) -> None:
    """init, up, rotate, kill -9, rotate while stopped, up, revoke: VALID by the policy of the
    first command; then a revocation of what was signed, which verification names."""
    data, policy, said = tmp_path / "data", tmp_path / "policy.txt", ("--reason", "drill")
    made = run("keys", "init", data=data)
    assert made.returncode == 0, made.stderr
    policy.write_text(made.stdout)
    assert {log.name for log in parse_policy(made.stdout.encode()).logs} == {
        "local/auditspan/default/root"
    }
    assert made.stdout.split()[1] in made.stderr
    files = {path.name: path.stat().st_mode & 0o777 for path in data.glob("secrets/log/[!.]*")}
    assert files == {"root.key": 0o600, "notary.key": 0o600}

    with running(data, code=-signal.SIGKILL) as collector:
        send(collector, 1)
        done = collector.auditspan("keys", "rotate", *said, "--ticket", "OPS-1")
        assert re.search(
            r"key [0-9a-f]{8} of log \S+ is destroyed, that log is closed; log \S+\.2 has the key ",
            done.stdout,
        )
        send(collector, 2)
        os.kill(collector.process.pid, signal.SIGKILL)
        collector.process.wait()
    stopped = run("keys", "rotate", *said, data=data)
    assert "done at the next start" in stopped.stdout
    assert [log.state for log in logs(data)] == ["closed", "open"]
    with running(data) as collector:
        send(collector, 3)
        first, second, third = logs(data)
        assert [log.state for log in (first, second, third)] == ["closed", "closed", "open"]
        done = collector.auditspan("keys", "revoke", key_id(third.vkey), *said, "--ticket", "SEC-1")
        assert re.search(r"is revoked: it counts for (\d+) of \1 entries", done.stdout)
        send(collector, 4)
        assert recorded(collector) == [
            ("log.key_rotated", "operator", "OPS-1", "drill"),
            ("log.key_rotated", "operator", "", "drill"),
            ("log.key_revoked", "operator", "SEC-1", "drill"),
        ]
        report = verified(data, policy)
        assert report["verdict"] == "VALID"
        [warning] = [one for one in report["problems"] if one["kind"] == "key.revoked"]
        assert (warning["log"], warning["weight"]) == (third.origin, "WARNING")
        assert "0 behind them" in warning["says"]
        options = ("--good-until", "2", *said)
        collector.auditspan("keys", "revoke", key_id(second.vkey), *options)
    report = verified(data, policy)
    assert report["verdict"] == "INVALID"
    bad = [one for one in report["problems"] if one["weight"] == "INVALID"]
    assert {one["log"] for one in bad} == {second.origin}
    assert any("key was revoked, and counts up to 2" in one["says"] for one in bad)


def recorded(collector: Collector) -> list[tuple[str, ...]]:
    """Who changed keys of logs, on which ticket, and why; each in another log."""
    rows = collector.rows(
        "SELECT Operation, UserId, Ticket, Justification, LogId FROM audit "
        "WHERE Operation LIKE 'log.key%' ORDER BY LogId"
    )
    assert len({row["LogId"] for row in rows}) == len(rows)
    return [(row["Operation"], row["UserId"], row["Ticket"], row["Justification"]) for row in rows]


def test_lost_keys_are_replaced_by_those_of_a_key_service(tmp_path: Path) -> None:
    """Another deployment, whose root log and notary a program signs; a key service that is down
    holds up checkpoints and no record. One policy verifies what was before and after."""
    data, old, both = tmp_path / "data", tmp_path / "old.txt", tmp_path / "both.txt"
    with running(data) as collector:
        send(collector, 1)
    old.write_text(folder_policy(data / "public"))
    (data / "secrets" / "log").rename(tmp_path / "lost")
    service, other = KeyService.made(tmp_path / "service"), KeyService.made(tmp_path / "other")
    integrity = {"deployment": "second", "root_signer": kept(service), "notary_signer": kept(other)}
    config = f"{CONFIG}  integrity: {json.dumps(integrity)}\n"
    # As an operator starts it who knows that a log is lost.
    with running(data, config, "--recover") as collector:
        send(collector, 2)
        service.feels("down")
        taken = post(collector.addresses["http"], body("n3", 3), content_type=PROTOBUF)
        assert taken.code == 200
        until = time.monotonic() + 30
        while "cannot reach the key service" not in (tmp_path / "data.log").read_text():
            assert time.monotonic() < until
            time.sleep(0.1)
        service.feels("well")
        collector.wait_for(ACTIONS, 9)
    files = {path.name for path in (data / "secrets" / "log").glob("*.key")}
    assert not files & {"root.key", "notary.key"}
    both.write_text(run("log", "policy", "--with", old, data=data).stdout)
    assert verified(data, both)["verdict"] == "VALID"
    case = tmp_path / "case.zip"
    built = run("evidence", "build", "-o", case, "--policy", both, data=data)
    assert built.returncode == 0, built.stderr
    offline = [sys.executable, "-I", VERIFY, str(case), "--policy", str(both)]
    done = subprocess.run(offline, capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout.startswith("VALID"), done.stdout
    assert "local/auditspan/second/root" in done.stdout
    # The keys of before may be in other hands; the new root log holds the end of the old one.
    without_its_end(data, "local/auditspan/default/root", 2)
    report = verified(data, both)
    assert report["verdict"] == "INVALID"
    assert ("log.truncated", "local/auditspan/default/root") in {
        (one["kind"], one["log"]) for one in report["problems"]
    }


def kept(service: KeyService) -> dict[str, Any]:
    """The key of a key service, as the configuration has it."""
    return {"command": list(service.command), "public_key_file": str(service.public)}


def without_its_end(data: Path, log: str, size: int) -> None:
    """Nothing of a log is left behind a size, as if it had never been signed."""
    store = open_embedded(data / "store")
    for table, column in (
        ("audit_seals", "LogIndex"),
        ("audit_log_entries", "LogIndex"),
        ("audit_checkpoints", "Size"),
    ):
        kept = f"{column} {'<=' if column == 'Size' else '<'} {size}"
        sql = f"ALTER TABLE {table} DELETE WHERE LogId = '{log}' AND NOT ({kept}) "
        store.command(sql + "SETTINGS mutations_sync = 2")
    store.close()
