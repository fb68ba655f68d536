"""A real collector shows what it signs to its anchors, and goes on after a restart."""

import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from auditspan.collector.anchors.receipts import read_receipts
from auditspan.integrity.anchors import Receipt
from tests.collector.anchors import bucket as server
from tests.collector.anchors.authority import made, serving
from tests.end_to_end.running import CONFIG, Collector, running


def config(anchors: str) -> str:
    """A collector that signs often."""
    return f"{CONFIG}  integrity:\n    idle_seconds: 1\n    anchors:\n{anchors}"


def wait_for(found: Callable[[], bool], seconds: float = 30.0) -> None:
    """Until it is so."""
    until = time.monotonic() + seconds
    while not found():
        assert time.monotonic() < until
        time.sleep(0.2)


def receipts(data: Path, name: str) -> list[Receipt]:
    """What an anchor gave, all readable."""
    found, problems = read_receipts(data / "anchors" / name)
    assert problems == []
    return found


def metric(collector: Collector, name: str) -> float:
    """A number of the metrics page."""
    text = httpx.get(
        f"{collector.addresses['api']}/metrics",
        headers={"Authorization": f"Bearer {collector.token}"},
    ).text
    return float(next(line.split()[-1] for line in text.splitlines() if line.startswith(name)))


def test_checkpoints_are_kept_outside_and_a_restart_goes_on(tmp_path: Path) -> None:
    """Each receipt has a file of the root log outside; the sizes only grow. A backup of the whole
    data folder is told by them, and not gone on with.
    """
    disk, data = tmp_path / "disk", tmp_path / "data"
    disk.mkdir()
    text = config(f"      files: [{{name: disk, folder: {disk}, cadence_seconds: 1}}]\n")
    with running(data, text) as collector:
        wait_for(lambda: len(receipts(data, "disk")) >= 2)
        assert metric(collector, 'auditspan_anchor_lag_seconds{anchor="disk"}') < 20
        assert metric(collector, 'auditspan_anchor_failures_total{anchor="disk"}') == 0
    before = receipts(data, "disk")
    kept = shutil.ignore_patterns("*.sock")
    shutil.copytree(data, tmp_path / "backup", symlinks=True, ignore=kept)
    with running(data, text):
        # The next one may be of what the backup has too, the one after that is of more.
        wait_for(lambda: len(receipts(data, "disk")) > len(before) + 1)
    after = receipts(data, "disk")
    assert after[: len(before)] == before
    sizes = [receipt.size for receipt in after]
    assert sizes == sorted(set(sizes))
    assert {receipt.origin for receipt in after} == {"local/auditspan/default/root"}
    assert all(Path(receipt.place).read_bytes() == receipt.note for receipt in after)
    assert len(list(disk.rglob("*.note"))) == len(after)
    state = json.loads((data / "anchors" / "disk" / "state.json").read_text())
    assert (state["failures"], state["missed"]) == (0, False)
    shutil.rmtree(data)
    shutil.copytree(tmp_path / "backup", data, symlinks=True)
    words = rf"/root: {sizes[-1]} entries of it were anchored.*auditspan up --recover"
    with pytest.raises(AssertionError, match=words), running(data, text):
        pass


@pytest.mark.skipif(not shutil.which("openssl"), reason="needs the openssl command")
def test_an_authority_that_is_away_is_a_finding_and_then_stamps(tmp_path: Path) -> None:
    """The trail says from when to when; records are stored meanwhile."""
    data = tmp_path / "data"
    with serving(made(tmp_path / "tsa")) as authority:
        authority.status = 503
        anchors = f"{{name: tsa, url: '{authority.url}', roots_file: {authority.roots}, "
        text = config(f"      rfc3161: [{anchors}cadence_seconds: 2}}]\n")
        with running(data, text) as collector:
            missed = "SELECT count() FROM audit_records WHERE has(Findings, 'anchor.missed')"
            collector.wait_for(missed, 1)
            assert receipts(data, "tsa") == []
            assert metric(collector, 'auditspan_anchor_failures_total{anchor="tsa"}') >= 1
            authority.status = 200
            wait_for(lambda: len(receipts(data, "tsa")) >= 2)
            collector.wait_for(
                "SELECT count() FROM audit_records WHERE SpanName = 'anchor.resumed'", 1
            )
            row = collector.rows(
                "SELECT SpanName, TargetType, TargetId, Severity, Summary FROM audit_records "
                "WHERE has(Findings, 'anchor.missed')"
            )[0]
            listed = json.loads(collector.auditspan("anchors", "list", "--format", "json").stdout)
    assert (row["SpanName"], row["TargetType"], row["TargetId"]) == (
        "anchor.missed",
        "anchor",
        "tsa",
    )
    assert row["Severity"] == 5
    assert row["Summary"].startswith('no checkpoint shown to anchor "tsa" since "2')
    assert row["Summary"].endswith('Z", found by "collector".')
    assert [(one["anchor"], one["type"], one["missed"]) for one in listed] == [
        ("tsa", "rfc3161", False)
    ]
    checked = collector.auditspan(
        "anchors", "check", "--tsa-roots", str(authority.roots), "--format", "json"
    )
    found = json.loads(checked.stdout)
    assert found["problems"] == []
    assert {one["kind"] for one in found["receipts"]} == {"external"}
    other = made(tmp_path / "other").roots
    refused = collector.auditspan("anchors", "check", "--tsa-roots", str(other), check=False)
    assert refused.returncode == 1
    assert "does not verify with the pinned roots" in refused.stderr


def test_an_anchor_that_could_prove_nothing_keeps_it_from_starting(tmp_path: Path) -> None:
    """A folder that goes back with the data folder, said before anything listens."""
    data = tmp_path / "data"
    (data / "anchors").mkdir(parents=True)
    data.chmod(0o700)
    (data / "anchors").chmod(0o700)
    text = config(f"      files: [{{name: disk, folder: {data}/anchors}}]\n")
    with (
        pytest.raises(AssertionError, match="so that both go back with one backup"),
        running(data, text),
    ):
        pass


def test_notes_lie_locked_in_a_bucket(tmp_path: Path) -> None:
    """All that was receipted; a bucket without lock keeps the collector from starting."""
    credentials = server.credentials(tmp_path / "credentials")
    with server.serving() as url:
        store = server.client(url)
        for name, lock in (("locked", True), ("open-bucket", False)):
            store.create_bucket(Bucket=name, ObjectLockEnabledForBucket=lock)
        text = config(
            f"      s3: [{{name: worm, endpoint: '{url}', bucket: locked, cadence_seconds: 1, "
            f"credentials_file: {credentials}}}]\n"
        )
        data = tmp_path / "data"
        with running(data, text):
            wait_for(lambda: len(receipts(data, "worm")) >= 2)
        versions = store.list_object_versions(Bucket="locked")["Versions"]
        kept = {f"{url}/locked/{version['Key']}" for version in versions}
        receipted = {receipt.place for receipt in receipts(data, "worm")}
        assert receipted <= kept
        # The collector may have ended between the bucket's answer and the receipt.
        assert len(kept - receipted) <= 1
        with (
            pytest.raises(AssertionError, match="has no object lock"),
            running(tmp_path / "other", text.replace("bucket: locked", "bucket: open-bucket")),
        ):
            pass
