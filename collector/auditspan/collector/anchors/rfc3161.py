"""A time-stamp authority: it signs the digest of a note with its own time (RFC 3161, HTTP as §3.4).

It sees nothing but a digest. The whole reply is kept. Its clock proves when a note was there at the
latest, whatever our clock says; if both are far apart the stamp is refused, because records then
bear wrong times.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import httpx
from rfc3161_client import HashAlgorithm, TimestampRequestBuilder

from auditspan.collector.anchors.config import TsaAnchorConfig
from auditspan.collector.anchors.errors import AnchorRefused, AnchorUnavailable
from auditspan.collector.anchors.http import client, exchange
from auditspan.collector.anchors.time_stamp import read_roots, verify_time_stamp
from auditspan.integrity.anchors import MAX_RAW, Receipt, check_same_tree
from auditspan.integrity.errors import NoteInvalid

TYPE: Final = "rfc3161"
_HEADERS: Final = {
    "content-type": "application/timestamp-query",
    "accept": "application/timestamp-reply",
}


@dataclass(frozen=True, slots=True)
class TsaAnchor:
    """See `anchor.Anchor`."""

    config: TsaAnchorConfig
    now: Callable[[], float] = time.time

    @property
    def name(self) -> str:
        """As the configuration calls it."""
        return self.config.name

    @property
    def cadence(self) -> float:
        """Seconds between two notes."""
        return self.config.cadence_seconds

    async def prepare(self) -> None:
        """Raises `AnchorUnusable` if the pinned roots cannot be read."""
        read_roots(self.config.roots_file)

    async def anchor(self, note: bytes) -> Receipt:
        """See `anchor.Anchor`."""
        builder = TimestampRequestBuilder().data(note).hash_algorithm(HashAlgorithm.SHA256)
        request = builder.nonce(nonce=True).cert_request(cert_request=True).build()
        before = self.now()
        reply = await self._post(request.as_bytes())
        after = self.now()
        # Read again each time: a new root is taken without a restart.
        roots = read_roots(self.config.roots_file)
        try:
            at = await asyncio.to_thread(verify_time_stamp, reply, note, roots, request)
        except AnchorRefused as error:
            raise AnchorRefused(f"anchor {self.name}: {error}") from error
        self._check_clock(at, before, after)
        receipt = Receipt(TYPE, self.name, at, note, reply, self.config.url)
        return receipt.checked(at)

    async def check(self, receipt: Receipt, note: bytes) -> Receipt:
        """The kept reply against the pinned roots; the authority is not asked."""
        try:
            check_same_tree(receipt.note, note, f"anchor {self.name}")
        except NoteInvalid as error:
            raise AnchorRefused(str(error)) from error
        roots = read_roots(self.config.roots_file)
        at = await asyncio.to_thread(verify_time_stamp, receipt.raw, receipt.note, roots)
        return receipt.checked(at)

    async def _post(self, request: bytes) -> bytes:
        url = self.config.url
        async with client(self.config.ca_file, self.config.timeout_seconds, self.name) as http:
            made = httpx.Request("POST", url, content=request, headers=_HEADERS)
            answer = await exchange(http, made, MAX_RAW, self.name)
        if answer.status in (429, 500, 502, 503, 504):
            raise AnchorUnavailable(f"anchor {self.name}: {url} answered {answer.status}")
        if answer.status != 200:
            raise AnchorRefused(f"anchor {self.name}: {url} answered {answer.status}, expected 200")
        return answer.body

    def _check_clock(self, at: int, before: float, after: float) -> None:
        """The stamp's time is whole seconds, between request and answer."""
        skew = max(before - 1 - at, at - after, 0.0)
        if skew > self.config.max_skew_seconds:
            raise AnchorRefused(
                f"anchor {self.name}: its clock and ours are {skew:.0f} s apart, expected at most "
                f"{self.config.max_skew_seconds:g}: set the clock of this machine"
            )
