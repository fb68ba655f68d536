"""What runs on a store, so that it is not closed meanwhile.

chDB takes the whole process down when its last handles are closed under a statement of another
thread (seen in 4.3.0: segmentation faults, illegal instructions, and a wait without end).
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from auditspan.storage.errors import StoreError


class Uses:
    """The statements that run, and whether others may begin."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running = 0
        self._over = False

    @contextmanager
    def one(self) -> Iterator[None]:
        """While a statement runs. Raises `StoreError` if the store was closed."""
        with self._lock:
            if self._over:
                raise StoreError("the store is closed")
            self._running += 1
        try:
            yield
        finally:
            with self._lock:
                self._running -= 1

    def over(self) -> bool:
        """Whether nothing runs, so that the store may be closed; then nothing begins any more."""
        with self._lock:
            self._over = not self._running
            return self._over
