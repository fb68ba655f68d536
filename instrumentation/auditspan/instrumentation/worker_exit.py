"""The end of processes that leave without Python's own exit: workers of pools and of celery.

`atexit` is not run by a fork that ends in `os._exit`. What such a process recorded is on disk and
another one would send it; so that it is sent now, and the end is no silent one, its pool says:

- `multiprocessing`: a finalizer, which a child may register after it was forked
  (https://docs.python.org/3/library/multiprocessing.html)
- celery: the signal `worker_process_shutdown`
  (https://docs.celeryq.dev/en/stable/userguide/signals.html#worker-process-shutdown)
"""

import os
import sys
from collections.abc import Callable
from typing import Final

from auditspan.instrumentation.host import contained

_LAST: Final = -1_000_000
"""Priority of a finalizer that runs after those of others."""


class _Forks:
    """Known to `multiprocessing` as something that has to be told of each fork."""


_forks: Final = _Forks()


def at_worker_end(end: Callable[[], object]) -> None:
    """Have `end` called at the end of each process that is forked from this one by a pool."""

    def forked() -> None:
        with contained("fork"):
            _watch_multiprocessing(end)
            _watch_celery(end)

    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=forked)


def _watch_multiprocessing(end: Callable[[], object]) -> None:
    """A child forgets finalizers at its start, after which it asks who wants to have one."""
    util = sys.modules.get("multiprocessing.util")
    if util is not None:
        util.register_after_fork(_forks, lambda forks: util.Finalize(None, end, exitpriority=_LAST))


def _watch_celery(end: Callable[[], object]) -> None:
    signals = sys.modules.get("celery.signals")
    if signals is not None:

        def ended(**said: object) -> None:
            end()

        signals.worker_process_shutdown.connect(ended, weak=False, dispatch_uid="auditspan")
