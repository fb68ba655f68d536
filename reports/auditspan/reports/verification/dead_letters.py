"""Dead letters as the logs have them: each is a gap until it was stored after all, or has expired.

Only sealed entries count. A row or a file that somebody deleted closes no gap.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any, Final

from auditspan.reports.verification.window import Window

_GAP: Final = "deadletter"
_CLOSED: Final = "deadletter.retried"


@dataclass(slots=True)
class DeadLetters:
    """What gaps say of dead letters."""

    received: dict[str, datetime | None] = field(default_factory=dict)
    """When each was received, by its id."""
    expiry: dict[str, date | None] = field(default_factory=dict)
    closed: set[str] = field(default_factory=set)
    """Those that were stored after all."""
    closings: int = 0
    """Entries that say so."""

    def take(self, body: dict[str, Any]) -> None:
        """Learn from the body of a gap; one of another kind says nothing here."""
        id = str(body.get("id", ""))
        if body.get("control") == _GAP:
            self.received[id] = _moment(body.get("received_at"))
            self.expiry[id] = _day(body.get("expires_on"))
        elif body.get("control") == _CLOSED:
            self.closed.add(id)
            self.closings += 1

    def sealed(self, window: Window) -> int:
        """How many came in a window, whatever became of them."""
        return sum(1 for _ in self._within(window))

    def open(self, window: Window, now: float) -> int:
        """How many of these are neither stored nor past their day."""
        today = datetime.fromtimestamp(now, UTC).date()
        return sum(
            id not in self.closed and not ((day := self.expiry[id]) and day <= today)
            for id in self._within(window)
        )

    def closed_gaps(self) -> int:
        """Entries about gaps that are gaps no more, with those that say so."""
        return self.closings + len(self.closed & self.received.keys())

    def _within(self, window: Window) -> Iterator[str]:
        ends = window.parameters()
        for id, at in self.received.items():
            # What cannot be read is in every window.
            if at is None or ends["since"] <= at < ends["until"]:
                yield id


def _moment(value: object) -> datetime | None:
    try:
        found = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _day(value: object) -> date | None:
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        return None
