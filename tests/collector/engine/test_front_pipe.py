"""What the engine says to front, and that it does not take harm from a front that is gone."""

import io
import os

from auditspan.collector.engine.front_pipe import sender
from auditspan.collector.engine.messages import Warned


def test_a_front_that_is_gone_is_no_fault() -> None:
    """The engine finishes its segment."""
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb", buffering=0) as stdout:
        sender(stdout)(Warned("x"))
    sender(io.BytesIO())(Warned("x"))
