"""The one place where our own faults end: the host never sees them.

A fault is logged, at most once a minute for each place, and the host goes on with the value that
stands for "nothing happened". Tests make faults fatal with `AUDITSPAN_FAULTS=raise`.
"""

import functools
import logging
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")
D = TypeVar("D")

_LOG = logging.getLogger("auditspan")
_SILENT_SECONDS = 60.0
_last: dict[str, float] = {}


def warn(place: str, message: str, *details: object) -> None:
    """Log a warning, at most once a minute for each place."""
    now = time.monotonic()
    if now - _last.get(place, -_SILENT_SECONDS) >= _SILENT_SECONDS:
        _last[place] = now
        _LOG.warning(message, *details)


@contextmanager
def contained(place: str) -> Iterator[None]:
    """Swallow and log any fault of ours inside the block."""
    try:
        yield
    except Exception as error:
        report(place, error)


def contain(otherwise: D) -> Callable[[Callable[P, R]], Callable[P, R | D]]:
    """Decorate a function of ours that the host or the SDK calls: a fault gives `otherwise`."""

    def decorate(function: Callable[P, R]) -> Callable[P, R | D]:
        @functools.wraps(function)
        def safe(*args: P.args, **kwargs: P.kwargs) -> R | D:
            try:
                return function(*args, **kwargs)
            except Exception as error:
                report(function.__qualname__, error)
                return otherwise

        return safe

    return decorate


def report(place: str, error: Exception) -> None:
    """Log a fault; raise it again where tests ask for that."""
    if os.environ.get("AUDITSPAN_FAULTS") == "raise":
        raise error
    warn(place, "auditspan: %s failed: %s: %s", place, type(error).__name__, error)
