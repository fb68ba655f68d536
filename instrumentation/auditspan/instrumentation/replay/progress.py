"""What a replay says on standard output: one JSON object a line, for the `auditspan` command."""

import json
import sys
import threading
import time
from typing import TextIO

from auditspan.instrumentation.replay.counts import Counts


class Progress:
    """Writes lines; threads may share it."""

    def __init__(self, out: TextIO | None = None) -> None:
        self._out = sys.stdout if out is None else out
        self._mutex = threading.Lock()
        self._started = time.monotonic()
        self._done = 0
        self.counts = Counts()
        """What happened so far."""

    def start(self, conversations: int) -> None:
        """So many conversations will be run."""
        self._say(event="start", conversations=conversations)

    def finished(self, conversation_id: str, counts: Counts) -> None:
        """One is done."""
        with self._mutex:
            self._done += 1
            self.counts += counts
            self._say(
                event="conversation",
                id=conversation_id,
                done=self._done,
                model_calls=self.counts.model_calls,
                tool_calls=self.counts.tool_calls,
                denied=self.counts.denied,
            )

    def end(self, delivered: bool) -> None:
        """All are done; `delivered` if the collector has everything."""
        self._say(
            event="end",
            conversations=self._done,
            model_calls=self.counts.model_calls,
            tool_calls=self.counts.tool_calls,
            denied=self.counts.denied,
            seconds=round(time.monotonic() - self._started, 3),
            delivered=delivered,
        )

    def error(self, message: str) -> None:
        """It goes no further."""
        self._say(event="error", message=message)

    def _say(self, **fields: object) -> None:
        self._out.write(json.dumps(fields) + "\n")
        self._out.flush()
