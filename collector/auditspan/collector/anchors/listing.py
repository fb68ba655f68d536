"""What is anchored and how far behind each anchor is, from the files of a data folder alone."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from auditspan.collector.anchors.receipts import anchors_in, newest_receipt
from auditspan.collector.anchors.state import read_state
from auditspan.collector.control.records import rfc3339


def listing(data: Path, now: float) -> list[Mapping[str, object]]:
    """One row for each anchor that there is or was. Raises `AnchorUnusable` for a damaged state."""
    return list(_rows(data / "anchors", now))


def _rows(folder: Path, now: float) -> Iterator[Mapping[str, object]]:
    for anchor in anchors_in(folder) if folder.is_dir() else ():
        state, receipt = read_state(anchor), newest_receipt(anchor)
        if state is None:
            continue
        yield {
            "anchor": anchor.name,
            "type": receipt.type if receipt else "",
            "log": receipt.origin if receipt else "",
            "size": receipt.size if receipt else 0,
            "root": receipt.root.hex() if receipt else "",
            "time": rfc3339(receipt.time * 10**9) if receipt else "",
            "lag_seconds": max(round(now - state.since), 0),
            "missed": state.missed,
            "failures": state.failures,
            "problem": state.problem,
            "place": receipt.place if receipt else "",
        }
