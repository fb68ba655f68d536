"""One-time tokens: each is accepted once, by its `jti`, until it would have expired anyway.

The table is in memory and bounded. When it is full, tokens are refused rather than forgotten.
A restart forgets it, so one-time tokens should live for seconds, not hours.
"""

import threading
from typing import Final

from auditspan.identity.errors import ReplayTableFull, TokenReplayed

CAPACITY: Final = 100_000
"""Tokens remembered at once."""


class ReplayGuard:
    """Remembers which tokens were seen; safe to use from several threads."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._ends: dict[str, float] = {}
        self._lock = threading.Lock()

    def admit(self, token_id: str, expires_at: float, now: float) -> None:
        """Remember a token. Raises `TokenReplayed` or `ReplayTableFull`."""
        with self._lock:
            if self._ends.get(token_id, now) > now:
                raise TokenReplayed("token: may be used once and was used before")
            if len(self._ends) >= self._capacity:
                self._ends = {key: end for key, end in self._ends.items() if end > now}
            if len(self._ends) >= self._capacity:
                raise ReplayTableFull("token: too many one-time tokens at once, try again later")
            self._ends[token_id] = expires_at
