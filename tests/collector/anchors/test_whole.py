"""A real collector shows what it signs to its anchors, and goes on after a restart."""

import json
import time
from collections.abc import Callable
from pathlib import Path

import httpx

from auditspan.collector.anchors.receipts import read_receipts
from auditspan.integrity.anchors import Receipt
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
    """Each receipt has a file of the root log outside; the sizes only grow."""
    disk, data = tmp_path / "disk", tmp_path / "data"
    disk.mkdir()
    text = config(f"      files: [{{name: disk, folder: {disk}, cadence_seconds: 1}}]\n")
    with running(data, text) as collector:
        wait_for(lambda: len(receipts(data, "disk")) >= 2)
        assert metric(collector, 'auditspan_anchor_lag_seconds{anchor="disk"}') < 20
        assert metric(collector, 'auditspan_anchor_failures_total{anchor="disk"}') == 0
    before = receipts(data, "disk")
    with running(data, text):
        wait_for(lambda: len(receipts(data, "disk")) > len(before))
    after = receipts(data, "disk")
    assert after[: len(before)] == before
    sizes = [receipt.size for receipt in after]
    assert sizes == sorted(set(sizes))
    assert {receipt.origin for receipt in after} == {"local/auditspan/default/root"}
    assert all(Path(receipt.place).read_bytes() == receipt.note for receipt in after)
    assert len(list(disk.rglob("*.note"))) == len(after)
    state = json.loads((data / "anchors" / "disk" / "state.json").read_text())
    assert (state["failures"], state["missed"]) == (0, False)
