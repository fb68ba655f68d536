"""What the engine does now and then, between batches."""

import time
from dataclasses import dataclass


@dataclass(slots=True)
class Every:
    """At once, and then not before so many seconds are over."""

    seconds: float
    again_at: float = 0.0

    def is_due(self, *, asked: bool = False) -> bool:
        """Whether to do it now: it is time, or it is asked for. Then the time begins anew."""
        now = time.monotonic()
        if not asked and now < self.again_at:
            return False
        self.again_at = now + self.seconds
        return True
