"""Kinds of control records about dead letters, and what the log says of them."""

from typing import Final

DEADLETTER_RETRY: Final = "deadletter.retry"
"""Somebody asks that a dead letter is processed again."""
DEADLETTER_SHOWN: Final = "deadletter.shown"
"""Somebody has seen the content of a dead letter."""
GAP: Final = "deadletter"
"""In an entry of the log: a frame was put aside."""
GAP_CLOSED: Final = "deadletter.retried"
"""In an entry of the log: it was processed again, and its records are in the same batch."""
