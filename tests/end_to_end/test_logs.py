"""The log of a running collector: what kills it, what is put back, and what it says then."""

import json
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

from auditspan.storage.engine import open_embedded
from auditspan.storage.sealing.seals import extents, read_bodies
from tests.collector.engine.logs import checked
from tests.end_to_end.bodies import body, post
from tests.end_to_end.running import COMMAND, CONFIG, Collector, running

PROTOBUF = "application/x-protobuf"
STORED = ("store", "batches", "spool")
COUNT = "SELECT count() FROM audit WHERE RecordKind = 'action'"


def child(collector: Collector, name: str) -> int:
    """Process id of the engine or the signer, once it is there."""
    until = time.monotonic() + 30
    while not (found := collector.children(name)):
        assert time.monotonic() < until, f"no {name}"
        time.sleep(0.05)
    return found[0]


def send(collector: Collector, first: int, count: int) -> None:
    """So many requests of three spans."""
    for number in range(first, first + count):
        assert (
            post(collector.addresses["http"], body(f"n{number}", 3), content_type=PROTOBUF).code
            == 200
        )


def test_engine_and_signer_are_killed(tmp_path: Path) -> None:
    """Again and again: every record is stored once, and the log has one history."""
    data = tmp_path / "data"
    with running(data, executed=True) as collector:
        for turn in range(4):
            send(collector, 10 * turn, 10)
            os.kill(child(collector, "signer" if turn % 2 else "engine"), signal.SIGKILL)
            time.sleep(0.4 * turn)
        until = time.monotonic() + 60
        while list((data / "spool").glob("*.seg")) and time.monotonic() < until:
            time.sleep(0.2)
        collector.wait_for(COUNT, 120, 60)
    store = open_embedded(data / "store")
    sizes = checked(store)
    assert len(sizes) == 2
    assert store.raw("SELECT count(), uniqExact(RecordId) FROM audit_records WHERE LogId = ''") == (
        b"0\t0\n"
    )
    assert int(store.raw("SELECT count() FROM audit_records WHERE RecordKind = 'action'")) == 120
    store.close()
    notes = sorted(path.name for path in (data / "checkpoints").iterdir())
    assert len(notes) == 2 and notes[-1] == "root.note"


def test_a_restored_backup_is_refused(tmp_path: Path) -> None:
    """The store is older than what was signed: it says why, and goes on with a log that says so."""
    data, backup = tmp_path / "data", tmp_path / "backup"
    with running(data) as collector:
        send(collector, 0, 2)
        collector.wait_for(COUNT, 6)
    for name in STORED:
        shutil.copytree(data / name, backup / name, symlinks=True)
    with running(data) as collector:
        send(collector, 2, 2)
        collector.wait_for(COUNT, 12)
    for name in STORED:
        shutil.rmtree(data / name)
        shutil.copytree(backup / name, data / name, symlinks=True)
    config = tmp_path / "data.yaml"
    command = [*COMMAND, "up", "--config", str(config), "--data", str(data)]
    config.write_text(CONFIG)
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode not in (0, -signal.SIGTERM)
    assert "entries were signed, the store has" in done.stderr
    assert "auditspan up --recover" in done.stderr
    process = subprocess.Popen([*command, "--recover"], stderr=subprocess.DEVNULL)
    try:
        until = time.monotonic() + 60
        while len(list((data / "checkpoints").glob("*.note"))) < 3 and time.monotonic() < until:
            time.sleep(0.2)
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    store = open_embedded(data / "store")
    said = [
        json.loads(body.text)
        for log in extents(store, "local/auditspan/default")
        for body in read_bodies(store, log.log_id, 0, 1)
    ]
    store.close()
    [opening] = [each for each in said if each["reason"] == "recovered" and len(each) > 4]
    assert opening["predecessor"]["size"] > 6
