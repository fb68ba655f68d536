"""The engine's end of the pipes to front: what it says, and who gets what it hears.

Hearing is a thread of its own, which ends with standard input; whoever waits for something of front
is then told that nothing comes any more.
"""

import logging
import threading
from collections.abc import Callable
from typing import BinaryIO

from auditspan.collector.engine.messages import (
    Answered,
    Finish,
    GoOn,
    Message,
    Pause,
    SegmentClosed,
    decode,
    encode,
)
from auditspan.collector.engine.pausing import Pauses
from auditspan.collector.engine.signing import Answers
from auditspan.collector.engine.waking import Wake

LOG = logging.getLogger("auditspan.collector.engine")


def sender(stdout: BinaryIO) -> Callable[[Message], None]:
    """Write messages to front; one that is gone is noticed at standard input."""
    lock = threading.Lock()

    def send(message: Message) -> None:
        try:
            with lock:
                stdout.write(encode(message))
                stdout.flush()
        except BrokenPipeError:
            LOG.warning("front is gone, a %s was not told", type(message).__name__)

    return send


def listen(stdin: BinaryIO, wake: Wake, answers: Answers, pauses: Pauses) -> None:
    """Words for the one who works; messages with content go their own way."""
    for line in stdin:
        message = decode(line)
        if isinstance(message, Answered):
            answers.put(message)
            continue
        if isinstance(message, Pause):
            pauses.put(message)
        elif isinstance(message, GoOn | Finish):
            pauses.put(None)
        if isinstance(message, SegmentClosed):
            wake.closed(message.name)
        else:
            wake.put(going_on=not isinstance(message, Finish))
    pauses.put(None)
    answers.put(None)
    wake.put(going_on=False)
