"""A collector verifies what it has sealed, while it runs and when it is stopped; so do others.

One collector with anchors of every kind is asked for all that it gives out: verdicts, a proof of a
record, packages of evidence. Auditors' own means judge those afterwards.
"""

import json
import math
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, Final

import pytest

from auditspan.collector.anchors.receipts import read_receipts
from auditspan.integrity import verify as auditors_file
from tests.collector.anchors import bucket
from tests.collector.anchors.authority import Authority, made, serving
from tests.end_to_end import independent
from tests.end_to_end.bodies import PROTOBUF, body, post, request
from tests.end_to_end.running import CONFIG, Collector, running

pytestmark = [
    pytest.mark.skipif(not shutil.which("openssl"), reason="needs the openssl command"),
    pytest.mark.timeout(300),
]
ANCHORS = ("disk", "tsa", "worm")


@dataclass
class Trail:
    """What a collector gave out."""

    folder: Path
    authority: Authority
    reports: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    """By how it was asked."""
    record: str = ""

    @property
    def policy(self) -> Path:
        return self.folder / "policy.txt"

    @property
    def package(self) -> Path:
        return self.folder / "case.zip"

    @property
    def proof(self) -> Path:
        return self.folder / "record.tlog-proof"

    def ask(self, name: str, collector: Collector, *options: str) -> None:
        """Verify, and keep the report."""
        said = collector.auditspan(
            "verify", "--format", "json", "--policy", str(self.policy), *options, check=False
        )
        assert said.returncode in (0, 1, 2), said.stderr
        self.reports[name] = json.loads(said.stdout)

    def judged(self, package: Path, *options: str) -> dict[str, Any]:
        """What `verify.py` says, with nothing but Python and openssl."""
        given = "--policy", str(self.policy), "--format", "json"
        done = subprocess.run(
            [sys.executable, "-I", str(auditors_file.__file__), str(package), *given, *options],
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        found: dict[str, Any] = json.loads(done.stdout)
        assert found["exit"] == done.returncode
        return found


def config(folder: Path, authority: Authority, url: str) -> str:
    """A folder, an authority and a bucket, all of them each second."""
    (folder / "disk").mkdir()
    keys = bucket.credentials(folder / "credentials")
    bucket.client(url).create_bucket(Bucket="locked", ObjectLockEnabledForBucket=True)
    often = "cadence_seconds: 1"
    return (
        f"{CONFIG}  integrity:\n    idle_seconds: 1\n    anchors:\n"
        f"      files: [{{name: disk, folder: {folder / 'disk'}, {often}}}]\n"
        f"      rfc3161: [{{name: tsa, url: '{authority.url}', roots_file: {authority.roots}, "
        f"{often}}}]\n"
        f"      s3: [{{name: worm, endpoint: '{url}', bucket: locked, {often}, "
        f"credentials_file: {keys}}}]\n"
    )


@pytest.fixture(scope="module")
def trail(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trail]:
    """A collector's whole output."""
    folder = tmp_path_factory.mktemp("trail")
    with serving(made(folder / "tsa")) as authority, bucket.serving() as url:
        found = Trail(folder, authority)
        text = config(folder, authority, url)
        with running(folder / "data", text) as collector:
            given_out(found, collector)
        found.ask("stopped", collector, "--config", str(folder / "data.yaml"))
        found.ask("unasked", collector)
        yield found


def hostile(random: Random, spans: int) -> bytes:
    """A request with what is hard to write down twice alike: zeros, keys that are there twice,
    times at the ends of their range.
    """
    made = request("hostile", spans)
    words = ["", "\0", "a\0", "\0a\0\0", "naïve \U0001f600", "1:x,", "-0", "\r\n,\"'\t=1+1"]
    times = [0, 1, 2**63 - 1, 2**63, 2**64 - 1, 9_223_372_036_000_000_000, 1_760_000_000 * 10**9]
    for span in made.resource_spans[0].scope_spans[0].spans:
        span.name, span.trace_state = random.choice(words), random.choice(words)
        span.start_time_unix_nano = random.choice(times)
        span.end_time_unix_nano = random.choice(times)
        span.status.message = random.choice(words)
        for key in [*random.sample(words, 4), "twice", "twice", *COLUMNS]:
            span.attributes.add(key=key).value.string_value = random.choice(words)
        for number in (-(2**63), 2**63 - 1, 0):
            span.attributes.add(key=f"int{number}").value.int_value = number
        for value in (math.nan, -0.0, math.inf):
            span.attributes.add(key=f"float{value}").value.double_value = value
        event = span.events.add(name=random.choice(words), time_unix_nano=random.choice(times))
        for key in ("twice", "twice", random.choice(words)):
            event.attributes.add(key=key).value.string_value = random.choice(words)
        span.links.add(trace_id=bytes(16), span_id=b"\1" + bytes(7), trace_state=words[2])
    return made.SerializeToString()


COLUMNS: Final = (
    "gen_ai.tool.name", "gen_ai.tool.call.arguments", "gen_ai.tool.call.result", "user.id",
    "session.id", "gen_ai.conversation.id", "error.type", "service.name", "gen_ai.agent.id",
)  # fmt: skip


def given_out(trail: Trail, collector: Collector) -> None:
    """Records, then everything that can be asked while it runs."""
    sent = body("lookup", 3)
    assert post(collector.addresses["http"], sent, content_type=PROTOBUF).code == 200
    # The seed is that of a failure if there is one.
    sent = hostile(Random(17), 40)
    assert post(collector.addresses["http"], sent, content_type=PROTOBUF).code == 200
    collector.wait_for("SELECT count() FROM audit WHERE SpanName = 'lookup'", 3)
    trail.policy.write_text(collector.auditspan("log", "policy").stdout)
    configured = "--config", str(trail.folder / "data.yaml")
    trail.ask("running", collector, *configured)
    wait_for_anchors(collector.data, trail.reports["running"])
    # Asked before, it may be ahead of the anchors, which are asked each second.
    trail.ask("running", collector, *configured)
    token = str(collector.data / "secrets" / "operator.token")
    elsewhere = Collector(trail.folder / "nothing", collector.process, {})
    trail.ask("url", elsewhere, "--url", collector.addresses["api"], "--token-file", token)
    sql = "SELECT RecordId FROM audit WHERE SpanName = 'lookup' ORDER BY SpanId LIMIT 1"
    trail.record = str(collector.rows(sql)[0]["RecordId"])
    collector.auditspan("proof", trail.record, "-o", str(trail.proof))
    collector.auditspan("evidence", "build", "-o", str(trail.package))
    read = "Report = 'evidence build' AND Statement = 'verification rows'"
    collector.wait_for(f"SELECT count() FROM access_log WHERE {read}", 1)


def wait_for_anchors(data: Path, report: Mapping[str, Any]) -> None:
    """Until each has seen all that was verified."""
    (size,) = [log["size"] for log in report["logs"] if log["origin"].endswith("/root")]
    until = time.monotonic() + 60
    for name in ANCHORS:
        while not any(one.size >= size for one in read_receipts(data / "anchors" / name)[0]):
            assert time.monotonic() < until, name
            time.sleep(0.2)


def test_it_is_verified_as_it_runs_and_after(trail: Trail) -> None:
    """VALID both times, by the collector itself and from elsewhere."""
    assert {name: report["verdict"] for name, report in trail.reports.items()} == dict.fromkeys(
        ("running", "url", "stopped", "unasked"), "VALID"
    )
    assert trail.reports["running"]["population"]["recomputed"] >= 43


def test_what_anchors_stand_by_is_external(trail: Trail) -> None:
    """Authority and bucket were asked; receipts that nobody was asked about are local."""
    said = {name: report["anchored"] for name, report in trail.reports.items()}
    assert said == {"running": "external", "url": "none", "stopped": "external", "unasked": "local"}
    for log in trail.reports["stopped"]["logs"]:
        assert log["anchored_size"] > 0, log
    assert trail.reports["stopped"]["not_excluded"].startswith("not excluded: truncation")


def test_a_package_convinces_the_auditors_own_file(trail: Trail) -> None:
    """By itself; with a root that the auditor brings, time stamps are checked too."""
    alone = trail.judged(trail.package)
    assert (alone["verdict"], alone["anchored"], alone["problems"]) == ("VALID", "local", [])
    assert {line.split()[0] for line in alone["anchors"]} == {"file", "rfc3161", "s3"}
    dated = trail.judged(trail.package, "--tsa-root", str(trail.authority.roots))
    assert (dated["verdict"], dated["anchored"]) == ("VALID", "external")
    assert any(" existed at 20" in line for line in dated["anchors"])
    other = made(trail.folder / "other").roots
    wrong = trail.judged(trail.package, "--tsa-root", str(other))
    assert (wrong["verdict"], wrong["anchored"]) == ("INVALID", "local")


def test_code_that_shares_nothing_with_ours_agrees(trail: Trail) -> None:
    """Notes, cosignatures, proofs and ranges, by the specifications alone."""
    assert "auditspan." not in Path(independent.__file__).read_text().replace("auditspan/", "")
    policy = trail.policy.read_text()
    notes = independent.check_package(trail.package, policy)
    (log,) = notes
    proof = independent.read_proof(trail.proof.read_bytes())
    keys = log_keys(trail, policy)
    note = independent.read_note(proof.note, keys)
    assert independent.included(proof, proof.entry, note)
    assert not independent.included(proof, proof.entry[:-1] + b"x", note)
    assert (note.origin, len(proof.entry), proof.entry[:2]) == (log.origin, 38, b"\x01\x00")
    assert len(note.signed) == 2 and max(note.signed.values()) > time.time() - 600
    saved = {
        independent.read_note(path.read_bytes(), keys).size
        for path in (trail.folder / "disk").rglob("*.note")
    }
    assert len(saved) >= 2


def log_keys(trail: Trail, policy: str) -> dict[tuple[str, bytes], tuple[int, bytes]]:
    """Keys of the policy, and those that the package proves."""
    import zipfile

    words = [line.split() for line in policy.splitlines()]
    vkeys = [line[-1] for line in words if line and line[0] in ("log", "witness")]
    with zipfile.ZipFile(trail.package) as package:
        logs = json.loads(package.read("proof.json"))["logs"]
    return independent.keys_of(*vkeys, *(json.loads(log["opened"])["vkey"] for log in logs))
