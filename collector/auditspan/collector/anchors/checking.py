"""Receipts of a data folder, checked against what their keepers outside say now.

A receipt is `external` only after that: a time stamp by pinned roots, a note in a bucket by asking
the bucket. All else stays `local`, and a receipt that does not hold is a problem, not a gap.
"""

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from auditspan.collector.anchors.anchor import Anchor
from auditspan.collector.anchors.anchoring import anchors_of
from auditspan.collector.anchors.config import AnchorsConfig
from auditspan.collector.anchors.errors import AnchorError, AnchorRefused
from auditspan.collector.anchors.receipts import anchors_in, read_receipts
from auditspan.collector.anchors.rfc3161 import TYPE as RFC3161
from auditspan.collector.anchors.time_stamp import read_roots, verify_time_stamp
from auditspan.integrity.anchors import Receipt

NEWEST: Final = 100
"""Of each anchor these are taken, and of older ones the last of each day: the newest proves all
before it, older ones only when that was."""


@dataclass(frozen=True, slots=True)
class Checked:
    """What was found."""

    receipts: list[Receipt] = field(default_factory=list)
    """Those that hold, as far as they were checked."""
    problems: list[str] = field(default_factory=list)
    """What does not hold."""
    unasked: list[str] = field(default_factory=list)
    """Anchors that could not be asked now; their receipts are `local`."""


def checked_receipts(
    data: Path, config: AnchorsConfig | None = None, tsa_roots: Path | None = None
) -> Checked:
    """The receipts of `data/anchors`: of anchors in the configuration asked, of time stamps by
    `tsa_roots` (before the configuration's own). Raises `AnchorUnusable`, `OSError`.
    """
    return asyncio.run(_checked(data, config or AnchorsConfig(), tsa_roots))


async def _checked(data: Path, config: AnchorsConfig, tsa_roots: Path | None) -> Checked:
    anchors = {anchor.name: anchor for anchor in anchors_of(config, data)}
    found = Checked()
    for folder in anchors_in(data / "anchors"):
        receipts, problems = read_receipts(folder)
        found.problems.extend(problems)
        chosen = list(chosen_of(receipts))
        stamps = [one for one in chosen if one.type == RFC3161 and tsa_roots is not None]
        others = [one for one in chosen if one not in stamps]
        if stamps and tsa_roots is not None:
            await asyncio.to_thread(_time_stamps, stamps, tsa_roots, found)
        await _ask(anchors, folder.name, others, found)
    return found


def chosen_of(receipts: list[Receipt]) -> Iterator[Receipt]:
    """The newest, and of those before the last of each day."""
    old, new = receipts[:-NEWEST], receipts[-NEWEST:]
    yield from {datetime.fromtimestamp(one.time, UTC).date(): one for one in old}.values()
    yield from new


def _time_stamps(receipts: Iterable[Receipt], tsa_roots: Path, found: Checked) -> None:
    roots = read_roots(tsa_roots)
    for one in receipts:
        try:
            at = verify_time_stamp(one.raw, one.note, roots)
            found.receipts.append(one.checked(at))
        except AnchorRefused as error:
            found.problems.append(_says(one, error))


async def _ask(
    anchors: Mapping[str, Anchor], name: str, receipts: list[Receipt], found: Checked
) -> None:
    anchor = anchors.get(name)
    for place, one in enumerate(receipts):
        if anchor is None:
            found.receipts.append(one)
            continue
        try:
            found.receipts.append(await anchor.check(one, one.note))
        except AnchorRefused as error:
            found.problems.append(_says(one, error))
        except AnchorError as error:
            # One wait is enough: the rest of this anchor stays as it is.
            found.unasked.append(f"{name}: {error}")
            found.receipts.extend(receipts[place:])
            return


def _says(receipt: Receipt, error: AnchorRefused) -> str:
    return f"receipt of {receipt.anchor} at size {receipt.size}: {error}"
