"""How many bytes of requests may be in memory at once, over all senders and both transports."""

from collections.abc import Iterator
from contextlib import contextmanager

from auditspan.collector.front.rejections import Overloaded

_RETRY_SECONDS = 1.0


class Hold:
    """The share of one request."""

    def __init__(self, budget: "Budget") -> None:
        self._budget = budget
        self.size = 0
        """Bytes held."""

    def grow(self, size: int) -> None:
        """Hold this many bytes in all. Raises `Overloaded`, and holds what it held."""
        self._budget.take(size - self.size)
        self.size = size


class Budget:
    """The bytes of all requests under way."""

    def __init__(self, limit: int) -> None:
        """`limit` must be enough for the largest request."""
        self._limit = limit
        self.used = 0
        """Bytes that are held."""

    @contextmanager
    def hold(self) -> Iterator[Hold]:
        """A share that is given back at the end."""
        hold = Hold(self)
        try:
            yield hold
        finally:
            self.used -= hold.size

    def take(self, size: int) -> None:
        """Hold more. Raises `Overloaded`."""
        if self.used + size > self._limit:
            raise Overloaded("too many requests are under way, try again", _RETRY_SECONDS)
        self.used += size
