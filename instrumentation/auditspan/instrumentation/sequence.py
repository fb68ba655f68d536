"""The number that every recorded span of a process gets, so that a missing one is seen.

Numbers start at 1 and are given in the order in which spans are written to the spool. The first
span is marked `start`. The last one is written by `recorder.py` when the process ends, marked
`close`, so that a silent end is seen too.
"""

import uuid

from auditspan.instrumentation.otlp_fields import attribute
from auditspan.semconv import attributes as names


class Sequence:
    """The numbers of one process. Not for several threads at once."""

    def __init__(self, instance: str = "") -> None:
        self.instance = instance or uuid.uuid4().hex
        """Names the process; a fork is another one."""
        self.last = 0
        """The number that was given last."""
        self._instance = attribute(names.AUDIT_AGENT_INSTANCE_ID, self.instance)

    def next(self) -> bytes:
        """The attributes of the next span."""
        self.last += 1
        mark = attribute(names.AUDIT_SEQUENCE_MARK, "start") if self.last == 1 else b""
        return self._instance + attribute(names.AUDIT_SEQUENCE_NUMBER, self.last) + mark
