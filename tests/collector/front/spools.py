"""A spool with its committer, without ports."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from auditspan.collector.front.commit import Committer
from auditspan.wire.envelope import OTLP_TRACES, Envelope, frame
from auditspan.wire.segments import closed_segments, read_frames
from auditspan.wire.spool import SpoolLimits, SpoolWriter

LONG = SpoolLimits(seconds=3600.0)
"""Limits that no test reaches by waiting."""


class Spool:
    """One collector's; `told` are the batches in the order they were told of."""

    def __init__(self, folder: Path, limits: SpoolLimits = LONG) -> None:
        self.folder = folder
        self.writer = SpoolWriter(folder, "test", limits)
        self.told: list[str] = []
        self.committer = Committer(self.writer, self._closed)

    def run(self, use: Callable[[], Awaitable[None]]) -> None:
        """Use the committer while it runs, and close it."""

        async def go() -> None:
            self.committer.start()
            try:
                async with asyncio.timeout(10):
                    await use()
            finally:
                await self.committer.close()

        asyncio.run(go())

    def batches(self) -> list[list[str]]:
        """The digests of each closed segment."""
        return [
            [envelope.request_digest for _, envelope in read_frames(path)]
            for path in closed_segments(self.folder)
        ]

    async def _closed(self, batch_id: str) -> None:
        self.told.append(batch_id)


def framed(digest: str, size: int = 0) -> bytes:
    """A frame with a digest to know it by."""
    principal = '{"address":"","agent_id":"","credential":"","expires_at":0,"id":"anonymous",'
    principal += '"kind":"anonymous","method":"none","tenant":""}'
    return frame(Envelope(OTLP_TRACES, 7, digest, principal, b"x" * size))
