"""A backup of a collector at work, put back, verified, and how it goes on from there."""

import json
import re
import threading
import time
from collections import Counter
from pathlib import Path

from tests.end_to_end.bodies import PROTOBUF, body, post
from tests.end_to_end.running import CONFIG, Collector, ran, running

PAY = {
    "gen_ai.operation.name": "execute_tool",
    "gen_ai.tool.name": "pay",
    "gen_ai.tool.call.arguments": '{"customer": "cus-17", "amount": 120}',
}
WHY = ("--reason", "test", "--ticket", "T-1")
NAMES = "SELECT SpanName AS name, count() AS n FROM audit WHERE RecordKind = 'action' GROUP BY name"


def _config(disk: Path) -> str:
    anchor = f"{{name: disk, folder: {disk}, cadence_seconds: 1}}"
    return f"{CONFIG}  integrity: {{anchors: {{files: [{anchor}]}}}}\n"


class Sender(threading.Thread):
    """Sends until it is stopped, and knows what was acknowledged and when."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.url, self.done, self.enough = url, 0, threading.Event()

    def run(self) -> None:
        while not self.enough.wait(0.01):
            self.send()

    def send(self) -> None:
        """One request of two spans with a name of its own."""
        assert post(self.url, body(f"n{self.done}", 2), content_type=PROTOBUF).code == 200
        self.done += 1


def _erased(collector: Collector, certificate: Path) -> Path:
    """Arguments of the payment, and the paper about it."""
    (one,) = collector.rows("SELECT RecordId AS id FROM audit WHERE ToolName = 'pay'")
    done = collector.auditspan(
        "erase", "--record", one["id"], "--field", "ToolArguments", "--yes", *WHY
    )
    (id,) = re.findall("certificate of erasure ([0-9a-f]{16})", done.stdout)
    told = collector.auditspan("erasures", "certificate", id, "--format", "json")
    certificate.write_text(told.stdout)
    return certificate


def _anchored_anew(sender: Sender, disk: Path) -> None:
    """Go on until what is stored now is anchored: by the second note, for one may be under way."""
    began, kept = time.monotonic(), len([*disk.rglob("*")])
    while len([*disk.rglob("*")]) < kept + 2:
        assert time.monotonic() - began < 30, "no note of the log came to the anchor"
        sender.send()
        time.sleep(0.2)


def _names(collector: Collector) -> dict[str, int]:
    return {row["name"]: row["n"] for row in collector.rows(NAMES)}


def test_a_backup_under_load_is_put_back_and_goes_on_where_anchors_allow(tmp_path: Path) -> None:
    """All that was acknowledged before is there, once, and VALID; behind anchors only `--recover`
    goes on, which states the gap."""
    config, saved = _config(tmp_path / "disk"), tmp_path / "b.tar"
    (tmp_path / "disk").mkdir()
    with running(tmp_path / "data", config) as collector:
        paid = body("pay", 1, **PAY)
        assert post(collector.addresses["http"], paid, content_type=PROTOBUF).code == 200
        sender = Sender(collector.addresses["http"])
        sender.start()
        collector.wait_for("SELECT count() FROM audit WHERE RecordKind = 'action'", 20)
        before = sender.done
        made = json.loads(
            collector.auditspan(
                "backup", "-o", str(saved), "--with-secrets", "--format", "json", "--ticket", "B-1"
            ).stdout
        )
        during = sender.done
        sender.enough.set()
        sender.join()
        certificate = _erased(collector, tmp_path / "certificate.json")
        collector.wait_for("SELECT count() FROM audit WHERE SpanName = 'backup.made'", 1)
        collector.wait_for(f"SELECT count() FROM audit WHERE SpanName = 'n{sender.done - 1}'", 2)
        _anchored_anew(sender, tmp_path / "disk")
    assert before < during, "the collector took requests while the backup was made"
    assert sorted(path.name for path in tmp_path.iterdir() if "partial" in path.name) == []

    paid_id = json.loads(certificate.read_text())["records"][0]["record"]
    done = ran("restore", saved, "--digest", made["digest"], "--format", "json",
               "--erasures", certificate, "--data", tmp_path / "new")  # fmt: skip
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    log = {each["origin"]: each for each in said["verification"]["logs"]}[made["log"]]
    assert said["verification"]["verdict"] == "VALID"
    assert (log["size"], log["entries"]) == (made["size"], made["size"]), "all of it was signed"
    assert "what was erased or let go early since is back" in said["warnings"][0]
    assert [(each["records"], each["problem"]) for each in said["erased_again"]] == [(1, "")]

    refused = ran("up", "--config", tmp_path / "data.yaml", "--data", tmp_path / "new")
    assert refused.returncode == 2
    assert "were anchored, and" in refused.stderr
    assert "auditspan up --recover" in refused.stderr

    with running(tmp_path / "new", config, "--recover") as collector:
        collector.wait_for("SELECT count() FROM audit WHERE SpanName = 'backup.restored'", 1)
        # What was erased after the backup is not back for long.
        collector.wait_for(
            f"SELECT count() FROM audit WHERE RecordId = '{paid_id}' AND ToolArguments = ''", 1
        )
        names = Counter(_names(collector))
        assert {f"n{number}": 2 for number in range(before)}.items() <= names.items()
        assert all(names[name] == 2 for name in names if name.startswith("n")), names
        verdict = collector.auditspan("verify", "--format", "json", check=False)
        assert json.loads(verdict.stdout)["verdict"] == "VALID"
