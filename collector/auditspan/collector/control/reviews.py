"""Reviews: a person who had no part in a record says what they think of it.

Any record may be reviewed, one that asked for it or not. A later review supersedes an earlier one,
and all are kept. Order: 1. who asks and whether they may, 2. what the record is, 3. whether they
had a part in it (`independence.py`), 4. the review is a control record in the spool.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from pydantic import JsonValue

from auditspan.collector.control.errors import ControlForbidden, ControlInvalid, NotFound
from auditspan.collector.control.fields import Fields
from auditspan.collector.control.human_kinds import RECORD_REVIEWED
from auditspan.collector.control.independence import check_independent
from auditspan.collector.control.journal import Journal
from auditspan.collector.control.records import ControlRecord, Party, Why, rfc3339
from auditspan.collector.control.two_persons import require
from auditspan.collector.control.verdicts import Verdict, verdict
from auditspan.collector.query.lookups import Lookup, RecordFacts
from auditspan.identity.api_keys import ApiKeys
from auditspan.identity.caller import Caller
from auditspan.identity.roles import Action

_MOST_OF_AN_ID: Final = 64


@dataclass(frozen=True, slots=True)
class Review:
    """What a reviewer says of a record."""

    record_id: str
    verdict: str
    """One of `verdicts.yaml`."""


@dataclass(frozen=True, slots=True)
class Reviews:
    """Takes reviews."""

    journal: Journal
    api_keys: ApiKeys
    lookup: Lookup
    new_id: Callable[[], str] = field(default=lambda: secrets.token_hex(16))

    async def review(self, review: Review, why: Why, caller: Caller) -> Fields:
        """Record a review; what was recorded.

        Raises ControlForbidden, ControlInvalid, NotFound, ControlUnavailable, and what `submit`
        raises.
        """
        require(caller, Action.REVIEW)
        by_a_person(caller, "a review")
        said = verdict("review", review.verdict)
        if not why.reason.strip():
            raise ControlInvalid("reason: expected why you judge so, for whoever reads the review")
        facts = await self._facts(review.record_id)
        check_independent(caller, facts, self.journal.registry(), self.api_keys.list())
        record = self._record(review, said, facts, why, caller)
        await self.journal.write(record)
        return {**record.body, "by": caller.principal.id, "at": rfc3339(record.at_ns)}

    async def _facts(self, record_id: str) -> RecordFacts:
        wanted = record_id.strip()
        facts = await self.lookup.record(wanted) if 0 < len(wanted) <= _MOST_OF_AN_ID else None
        if facts is None:
            raise NotFound(
                f"record {record_id[:_MOST_OF_AN_ID]!r}: the store has none of this id; see "
                "`auditspan reviews pending` or `auditspan search`. A record is in the store a "
                "second or two after it was received"
            )
        return facts

    def _record(
        self, review: Review, said: Verdict, facts: RecordFacts, why: Why, caller: Caller
    ) -> ControlRecord:
        body: dict[str, JsonValue] = {
            "id": facts.record_id,
            "review": self.new_id(),
            "verdict": review.verdict,
            "closes": said.closes,
            "agent": facts.agent_id,
            "principal": f"agent:{facts.agent_id}" if facts.agent_id else "",
            "operation": facts.operation,
            "review_required": facts.review_required,
        }
        return ControlRecord(
            kind=RECORD_REVIEWED,
            at_ns=self.journal.now_ns(),
            why=why,
            body=body,
            requester=Party.of(caller),
        )


def by_a_person(caller: Caller, what: str) -> None:
    """Raises ControlForbidden for programs: a judgement is a person's."""
    if caller.principal.kind not in ("person", "operator"):
        raise ControlForbidden(
            f"{caller.principal.id} is a program, and {what} is a person's: show a person's key or "
            "token"
        )
