"""What front says to the engine between its messages with content: look, and end.

A word only says that it is worth a look now; segments are found by looking into the spool. Which
batches front has spoken of is remembered, for front was done with those (`joining.py`).
"""

import contextlib
import queue
import time
from collections.abc import Iterable
from typing import Final

_LAST_SECONDS: Final = 1.0
"""Before the last try of one who was told to end before."""


class Wake:
    """Filled by the thread that listens, waited for by the one that works."""

    def __init__(self, told: Iterable[str] = ()) -> None:
        """`told` are the batches that lay there before this process began."""
        self._words: queue.SimpleQueue[bool] = queue.SimpleQueue()
        self.told = set(told)
        """Ids of batches that front has spoken of."""
        self.ended = False
        """Whether the word to end was heard. It is said once, by whomever it is heard."""

    def closed(self, batch_id: str) -> None:
        """A batch is complete, and whoever else is told of it knows of it."""
        self.told.add(batch_id)
        self.put(going_on=True)

    def forget(self, before: str) -> None:
        """Batches before this one are stored."""
        # A copy: the other thread may add one meanwhile.
        self.told.difference_update([name for name in tuple(self.told) if name < before])

    def put(self, *, going_on: bool) -> None:
        """Have a look; or, if it does not go on, end."""
        self._words.put(going_on)

    def woken(self, seconds: float) -> bool:
        """Wait for a word or the time; False once it is time to end."""
        with contextlib.suppress(queue.Empty):
            self.ended = not self._words.get(timeout=seconds) or self.ended
        return not self.ended

    def pause(self, seconds: float) -> bool:
        """Wait, whatever words come; False once it is time to end."""
        if self.ended:
            time.sleep(min(seconds, _LAST_SECONDS))
            return False
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            if not self.woken(left):
                return False
        return True
