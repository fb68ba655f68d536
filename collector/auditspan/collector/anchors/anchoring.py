"""All anchors of a collector: made of the configuration, looked at once, then kept up to date."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from prometheus_client import CollectorRegistry

from auditspan.collector.anchors.anchor import Anchor
from auditspan.collector.anchors.config import AnchorsConfig
from auditspan.collector.anchors.file import FileAnchor
from auditspan.collector.anchors.keeper import Keeper
from auditspan.collector.anchors.metrics import AnchorMetrics
from auditspan.collector.anchors.newest import newest_notes
from auditspan.collector.anchors.rfc3161 import TsaAnchor
from auditspan.collector.anchors.s3 import S3Anchor
from auditspan.collector.data_dir import DataDir


@dataclass(frozen=True, slots=True)
class Anchoring:
    """The keepers of all anchors."""

    keepers: tuple[Keeper, ...]

    async def prepare(self) -> None:
        """Look at all anchors. Raises `AnchorUnusable`: the collector should not start."""
        await asyncio.gather(*(keeper.prepare() for keeper in self.keepers))

    async def keep(self) -> None:
        """Keep all of them, each for itself; cancel it at the end."""
        tasks = [asyncio.create_task(keeper.keep()) for keeper in self.keepers]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task


def anchoring_of(
    config: AnchorsConfig,
    data: DataDir,
    submit: Callable[[str], Awaitable[None]],
    registry: CollectorRegistry,
) -> Anchoring | None:
    """What a configuration asks for; None without anchors. Raises `AnchorUnusable`."""
    if not config.all:
        return None
    metrics = AnchorMetrics(registry)
    timeouts = {one.name: one.timeout_seconds for one in config.all}

    def notes() -> list[bytes]:
        return newest_notes(data.folder("checkpoints"), data.folder("public"))

    keepers = []
    for anchor in anchors_of(config, data.root):
        folder = data.folder("anchors") / anchor.name
        keeper = Keeper(anchor, folder, notes, submit, timeout=timeouts[anchor.name])
        keeper.failed = metrics.watch(anchor.name, keeper.lag)
        keepers.append(keeper)
    return Anchoring(tuple(keepers))


def anchors_of(config: AnchorsConfig, data: Path) -> Iterator[Anchor]:
    """The anchors themselves. Raises `AnchorUnusable`."""
    for folder in config.files:
        yield FileAnchor(folder, data)
    for authority in config.rfc3161:
        yield TsaAnchor(authority)
    for bucket in config.s3:
        yield S3Anchor(bucket)
