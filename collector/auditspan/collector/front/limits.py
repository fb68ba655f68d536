"""Counting per sender in tables that cannot grow: the oldest entry leaves when one is full."""

import ipaddress
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache


@dataclass(slots=True)
class _Window:
    """What one sender did since a moment."""

    start: float
    count: int


class WindowLimit:
    """So many events per sender within so many seconds."""

    def __init__(
        self,
        limit: int,
        seconds: float = 60.0,
        *,
        capacity: int = 10_000,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limit = limit
        self._seconds = seconds
        self._capacity = capacity
        self._clock = clock
        self._windows: OrderedDict[str, _Window] = OrderedDict()

    def add(self, sender: str) -> None:
        """Count an event."""
        now = self._clock()
        window = self._windows.pop(sender, None)
        if window is None or now >= window.start + self._seconds:
            window = _Window(now, 0)
        window.count += 1
        self._windows[sender] = window
        if len(self._windows) > self._capacity:
            self._windows.popitem(last=False)

    def wait(self, sender: str) -> float:
        """Seconds until the sender may go on; 0 while it is under the limit."""
        window = self._windows.get(sender)
        if window is None or window.count < self._limit:
            return 0.0
        return max(0.0, window.start + self._seconds - self._clock())


class Recent:
    """A bounded set that remembers what was added or seen last."""

    def __init__(self, capacity: int = 10_000) -> None:
        self._capacity = capacity
        self._entries: OrderedDict[bytes, None] = OrderedDict()

    def add(self, entry: bytes) -> None:
        """Remember it as the latest."""
        self._entries[entry] = None
        self._entries.move_to_end(entry)
        if len(self._entries) > self._capacity:
            self._entries.popitem(last=False)

    def discard(self, entry: bytes) -> None:
        """Forget it."""
        self._entries.pop(entry, None)

    def __contains__(self, entry: bytes) -> bool:
        return entry in self._entries


@lru_cache(1024)
def network(address: str) -> str:
    """What one sender can easily hold of addresses: an IPv4 address, or a /64 of IPv6."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.IPv6Network((parsed, 64), strict=False))
    return str(parsed)


@lru_cache(1024)
def is_loopback(address: str) -> bool:
    """Whether the peer is on this machine, by the address that the socket gave."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(parsed, "ipv4_mapped", None)
    return (mapped or parsed).is_loopback
