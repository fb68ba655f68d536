"""Calls that a framework tells of twice: before they happen and after, by an identifier.

What is open is bounded: the oldest is ended as `unknown` when there are too many, and all that are
open at the end of the process. A fork leaves its parent's open calls to the parent.
"""

import atexit
import os
import threading
from collections import OrderedDict
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Final

from auditspan.instrumentation.act import Act
from auditspan.instrumentation.call import Call, begin_described
from auditspan.instrumentation.result import Result

MAX_OPEN: Final = 4096
_UNKNOWN: Final = Result(unfinished="unknown")


class Pairs:
    """The open calls of one framework. Threads may share it."""

    def __init__(self, framework: str, limit: int = MAX_OPEN) -> None:
        self._framework = framework
        self._limit = limit
        self._open: OrderedDict[str, Call] = OrderedDict()
        self._mutex = threading.Lock()
        atexit.register(self.close)
        os.register_at_fork(after_in_child=self._forked)

    def begin(self, key: str, describe: Callable[[], Act]) -> None:
        """A call is about to happen. Raises PolicyDenied."""
        call = begin_described(self._framework, describe, key)
        with self._mutex:
            former = self._open.pop(key, None)
            self._open[key] = call
            oldest = self._open.popitem(last=False)[1] if len(self._open) > self._limit else None
        for lost in (former, oldest):
            if lost is not None:
                lost.returned(_UNKNOWN)

    def active(self, key: str) -> AbstractContextManager[None, None]:
        """Make an open call current in a block; nothing if it is not open."""
        with self._mutex:
            call = self._open.get(key)
        return nullcontext() if call is None else call.active()

    def finish(self, key: str, result: Result) -> None:
        """It came to an end; nothing if it is not open."""
        call = self._taken(key)
        if call is not None:
            call.returned(result)

    def fail(self, key: str, error: BaseException) -> None:
        """It ended with an exception; nothing if it is not open."""
        call = self._taken(key)
        if call is not None:
            call.failed(error)

    def close(self) -> None:
        """Nobody tells of the open ones any more."""
        with self._mutex:
            left, self._open = self._open, OrderedDict()
        for call in left.values():
            call.returned(_UNKNOWN)

    def _taken(self, key: str) -> Call | None:
        with self._mutex:
            return self._open.pop(key, None)

    def _forked(self) -> None:
        self._mutex = threading.Lock()
        self._open = OrderedDict()
