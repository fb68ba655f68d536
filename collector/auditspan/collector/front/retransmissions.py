"""A request sent again after a lost answer is acknowledged and not stored twice (DESIGN §4).

Known by the SHA-256 of its bytes as received and the principal that sent them, for 15 minutes. The
same request while the first is still being written waits for that one's answer.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Final

_SECONDS: Final = 15 * 60.0
_MOST: Final = 500_000
_Key = tuple[str, str]


class Retransmissions:
    """Which requests are on disk already."""

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        self._now = now
        self._seen: OrderedDict[_Key, float] = OrderedDict()
        self._under_way: dict[_Key, asyncio.Future[None]] = {}

    def seed(self, rows: Iterable[Sequence[object]]) -> None:
        """Take over `[digest, principal id, received at ns]` from spool and store at start."""
        known = [
            ((str(digest), str(principal)), int(str(at)) / 1e9) for digest, principal, at in rows
        ]
        merged = {**dict(known), **self._seen}
        self._seen = OrderedDict(sorted(merged.items(), key=lambda item: item[1]))

    async def once(self, digest: str, principal: str, store: Callable[[], Awaitable[None]]) -> bool:
        """Run `store` unless the request is stored; whether it was new. Raises what it raises."""
        key = (digest, principal)
        self._forget()
        if key in self._seen:
            return False
        if key in self._under_way:
            await asyncio.shield(self._under_way[key])
            return False
        first: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._under_way[key] = first
        try:
            await store()
        except BaseException as error:
            _fail(first, error)
            raise
        else:
            self._seen[key] = self._now()
            first.set_result(None)
        finally:
            del self._under_way[key]
        return True

    def _forget(self) -> None:
        oldest = self._now() - _SECONDS
        while self._seen:
            key, at = next(iter(self._seen.items()))
            if at >= oldest and len(self._seen) <= _MOST:
                return
            del self._seen[key]


def _fail(first: "asyncio.Future[None]", error: BaseException) -> None:
    if isinstance(error, asyncio.CancelledError):
        first.cancel()
        return
    first.set_exception(error)
    # Nobody may be waiting, which is no fault.
    first.exception()
