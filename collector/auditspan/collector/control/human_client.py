"""Reviews and recertification as the command line asks them, running collector or stopped one."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from auditspan.collector.control.fields import Fields
from auditspan.collector.control.records import Why
from auditspan.identity.caller import Caller

if TYPE_CHECKING:
    # Work on a stopped collector needs them; they take a second to import.
    from auditspan.collector.control.human import Human
    from auditspan.collector.control.recertify import Verdict
    from auditspan.collector.control.reviews import Review

Ask = Callable[[str, str, Fields | None], Fields]
"""Method, path below `/v1/control/` and body of a request; its answer."""


class HumanClient(Protocol):
    """What can be asked; `reviews.py`, `recertify.py` and its listing say what each does."""

    def review(self, review: "Review", why: Why) -> Fields: ...
    def items(self) -> list[Fields]: ...
    def campaigns(self) -> list[Fields]: ...
    def start(self, seconds: int, why: Why) -> Fields: ...
    def answer(self, said: "Verdict", why: Why) -> Fields: ...


@dataclass(frozen=True, slots=True)
class LocalHuman:
    """Works on a folder whose lock this process holds."""

    human: "Human"
    caller: Caller

    def review(self, review: "Review", why: Why) -> Fields:
        """Say what one thinks of a record."""
        return asyncio.run(self.human.reviews.review(review, why, self.caller))

    def items(self) -> list[Fields]:
        """What owners answer for."""
        return asyncio.run(self.human.listing.items(self.caller))

    def campaigns(self) -> list[Fields]:
        """Every time of asking."""
        return self.human.listing.status(self.caller)

    def start(self, seconds: int, why: Why) -> Fields:
        """Ask all owners."""
        return asyncio.run(self.human.recertification.start(seconds, why, self.caller))

    def answer(self, said: "Verdict", why: Why) -> Fields:
        """Answer for an agent or a grant."""
        return asyncio.run(self.human.recertification.answer(said, why, self.caller))


@dataclass(frozen=True, slots=True)
class RemoteHuman:
    """Asks a running collector."""

    ask: Ask

    def review(self, review: "Review", why: Why) -> Fields:
        """Say what one thinks of a record."""
        body: Fields = {"record": review.record_id, "verdict": review.verdict}
        return self.ask("POST", "reviews", body | {"why": why.model_dump(mode="json")})

    def items(self) -> list[Fields]:
        """What owners answer for."""
        return _rows(self.ask("GET", "recertification", None), "items")

    def campaigns(self) -> list[Fields]:
        """Every time of asking."""
        return _rows(self.ask("GET", "recertification/campaigns", None), "campaigns")

    def start(self, seconds: int, why: Why) -> Fields:
        """Ask all owners."""
        body: Fields = {"seconds": seconds, "why": why.model_dump(mode="json")}
        return self.ask("POST", "recertification/campaigns", body)

    def answer(self, said: "Verdict", why: Why) -> Fields:
        """Answer for an agent or a grant."""
        body: Fields = {"item": said.item, "verdict": said.verdict}
        body["why"] = why.model_dump(mode="json")
        return self.ask("POST", "recertification/answers", body)


def _rows(answer: Fields, key: str) -> list[Fields]:
    rows = answer.get(key)
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
