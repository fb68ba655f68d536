"""Writes every read to the access log before its answer leaves, and folds polls together.

1. A read is written, durably, before anybody gets the answer; if it cannot be written there is no
   answer. 2. The same principal asking the same from the same address with the same result code
   within `FOLD_SECONDS` is counted, not written; a statement that differs in the bounds of its time
   window alone counts as the same, since a dashboard moves its window with every refresh. 3. The
   count is written after that time, and at the end. A crash loses counts of the last minute, never
   the read that they repeat.
"""

import asyncio
import contextlib
import logging
import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Final

from auditspan.collector.errors import CollectorError
from auditspan.collector.query.outcome import Facts, Outcome
from auditspan.collector.query.reads import Read
from auditspan.wire.errors import WireError

LOG = logging.getLogger("auditspan.collector.query")

FOLD_SECONDS: Final = 60.0
MOST_FOLDED: Final = 4_096
"""Different reads that are remembered; one more is written on its own."""

Submit = Callable[[str, str], Awaitable[None]]
"""Puts a control record of a principal into the spool: `Admission.submit_control`."""

_BOUND: Final = re.compile(
    r"(?P<head>\b(?:toDateTime(?:64)?|toDate|fromUnixTimestamp(?:64Milli)?)\s*\(\s*)"
    r"(?P<time>\d{9,16}|'[0-9][0-9 :.TZ-]{7,40}')"
)
_Key = tuple[object, ...]


class NotWritten(CollectorError):
    """The access log takes nothing now, so nothing is answered."""

    retryable = True


@dataclass(slots=True)
class _Folded:
    """What repeated a read since it was written."""

    first: Read
    until: float
    repeats: int = 0
    rows: int | None = 0
    bytes: int = 0
    duration_ns: int = 0
    last_ns: int = 0
    earliest: str = ""
    latest: str = ""


class AccessLog:
    """The access log of a running collector."""

    def __init__(self, submit: Submit, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._submit = submit
        self._clock = clock
        self._folded: dict[_Key, _Folded] = {}

    async def write(self, read: Read) -> None:
        """Return once the read is on disk, or is counted beside one that is.

        Raises `NotWritten`: then nobody may see the answer.
        """
        await self.flush()
        key = _key(read)
        entry = self._folded.get(key)
        if entry is not None:
            _add(entry, read)
            return
        await self._put(read)
        if len(self._folded) < MOST_FOLDED:
            self._folded.setdefault(key, _Folded(read, self._clock() + FOLD_SECONDS))

    async def flush(self, *, everything: bool = False) -> None:
        """Write the counts whose time has come. Raises `NotWritten`; a count is kept then."""
        now = self._clock()
        for key, entry in list(self._folded.items()):
            if not everything and entry.until > now:
                # In the order of their time: the others are later.
                return
            del self._folded[key]
            if entry.repeats:
                try:
                    await self._put(_summed(entry))
                except NotWritten:
                    self._folded.setdefault(key, entry)
                    raise

    async def keep(self) -> None:
        """Write counts in time, until it is cancelled."""
        while True:
            await asyncio.sleep(FOLD_SECONDS / 4)
            with contextlib.suppress(NotWritten):
                await self.flush()

    async def close(self) -> None:
        """Write what is left; call it before the spool closes."""
        try:
            await self.flush(everything=True)
        except NotWritten as error:
            LOG.error("counts of repeated reads are lost: %s", error)

    async def _put(self, read: Read) -> None:
        try:
            await self._submit(read.record().to_json(), read.caller.principal.to_json())
        except (WireError, OSError, CollectorError) as error:
            raise NotWritten(
                f"the access log cannot be written, so nothing is answered: {error}"
            ) from error


def _key(read: Read) -> _Key:
    principal, statement = read.caller.principal, read.statement
    params = {k: v for k, v in statement.params.items() if k not in ("since", "until")}
    return (
        principal.id,
        principal.credential,
        principal.address,
        read.claims,
        read.access,
        _BOUND.sub(r"\g<head>?", statement.sql),
        tuple(sorted(params.items())),
        read.outcome.code,
    )


def _add(entry: _Folded, read: Read) -> None:
    entry.repeats += 1
    rows = read.outcome.facts.rows
    entry.rows = None if rows is None or entry.rows is None else entry.rows + rows
    entry.bytes += 0 if read.outcome.code else len(read.outcome.body)
    entry.duration_ns += read.duration_ns
    entry.last_ns = read.at_ns
    for bound in _bounds(read):
        entry.earliest = min(entry.earliest or bound, bound)
        entry.latest = max(entry.latest, bound)


def _bounds(read: Read) -> list[str]:
    found = [match["time"].strip("'") for match in _BOUND.finditer(read.statement.sql)]
    given = (read.statement.params.get(name, "") for name in ("since", "until"))
    return [*found, *(value for value in given if value)]


def _summed(entry: _Folded) -> Read:
    """The repeats as one read: rows and durations are sums, its time is that of the last."""
    first = entry.first
    facts = Facts(first.outcome.facts.tables, entry.rows)
    return replace(
        first,
        at_ns=entry.last_ns,
        outcome=Outcome(b"", first.outcome.format, first.outcome.code, facts),
        duration_ns=entry.duration_ns,
        window=(entry.earliest, entry.latest),
        repeats=entry.repeats,
        bytes=entry.bytes,
    )
