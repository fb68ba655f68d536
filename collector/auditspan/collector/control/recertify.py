"""Recertification: every owner is asked whether an agent or a grant is still needed.

1. `start` asks: a campaign of all agents, and grants that have not expired, with a due date.
2. `answer`: keep, change or revoke, by the owner, else by the role policy; which is recorded. An
   answer changes no registry: what follows from it is proposed as any change is.
3. What nobody answered by the due date is a finding (`overdue.py`). Later answers are taken.
Each step is a control record. An owner is whom the registry calls so by id or e-mail; of a grant
that is the grantor.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from pydantic import JsonValue

from auditspan.collector.control.campaigns import (
    Answer,
    AnsweredAs,
    Campaign,
    Campaigns,
    Item,
    body_of_item,
    items_of,
)
from auditspan.collector.control.errors import (
    ControlConflict,
    ControlForbidden,
    ControlInvalid,
    NotFound,
)
from auditspan.collector.control.fields import Fields
from auditspan.collector.control.human_kinds import (
    ACCESS_RECERTIFIED,
    RECERTIFICATION_STARTED,
)
from auditspan.collector.control.identities import owns
from auditspan.collector.control.journal import Journal
from auditspan.collector.control.records import ControlRecord, Party, Why, rfc3339
from auditspan.collector.control.reviews import by_a_person
from auditspan.collector.control.two_persons import require
from auditspan.collector.control.verdicts import verdict
from auditspan.identity.caller import Caller
from auditspan.identity.roles import Action
from auditspan.registry.problems import nearest

LONGEST: Final = 366 * 86_400
"""Seconds that owners may have."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What somebody says of an item."""

    item: str
    """`agent:<id>` or `grant:<id>`."""
    verdict: str
    """One of `verdicts.yaml`."""


@dataclass(frozen=True, slots=True)
class Recertification:
    """Asks and takes answers. Every method raises ControlForbidden, and what `submit` raises."""

    journal: Journal
    campaigns: Campaigns
    asked: Callable[[], None] = lambda: None
    """Told of a new campaign, whose due date has to be watched."""
    new_id: Callable[[], str] = field(default=lambda: secrets.token_hex(6))

    async def start(self, seconds: int, why: Why, caller: Caller) -> Fields:
        """Ask all owners. Raises ControlConflict while they are still being asked."""
        require(caller, Action.RECERTIFY)
        if not 1 <= seconds <= LONGEST:
            raise ControlInvalid(f"due: is {seconds} s, expected 1 s to {LONGEST // 86_400} days")
        async with self.journal.one:
            now = self.journal.now_ns()
            self._check_none_open(now)
            campaign = self._campaign(seconds, now, caller)
            await self.journal.write(_started(campaign, why))
            self.campaigns.store(campaign)
        self.asked()
        return {**_times(campaign), "items": len(campaign.items)}

    async def answer(self, said: Verdict, why: Why, caller: Caller) -> Fields:
        """Take an answer to the latest campaign. Raises NotFound, ControlConflict."""
        require(caller, Action.RECERTIFY, Action.READ_REGISTRY)
        by_a_person(caller, "this answer")
        verdict("recertification", said.verdict)
        if not why.reason.strip():
            raise ControlInvalid("reason: expected why, for whoever reads the answer")
        async with self.journal.one:
            campaign = self._latest()
            item = self._item(campaign, said.item)
            by = Party.of(caller)
            now = self.journal.now_ns()
            answer = Answer(
                verdict=said.verdict, by=by, answered_as=answers_as(caller, item), at_ns=now
            )
            await self.journal.write(_recertified(campaign, item, answer, why))
            self.campaigns.store(campaign.answered(item.item, answer))
        return _told(campaign, item, answer)

    def _check_none_open(self, now: int) -> None:
        latest = self.campaigns.latest()
        if latest and latest.open_at(now):
            left = len(latest.items) - len(latest.answers)
            raise ControlConflict(
                f"recertification {latest.id} is open until {rfc3339(latest.due_at_ns)}, "
                f"{left} items are unanswered; see `auditspan recertify status`"
            )

    def _campaign(self, seconds: int, now: int, caller: Caller) -> Campaign:
        registry = self.journal.registry()
        items = items_of(registry, now) if registry else ()
        if registry is None or not items:
            raise ControlInvalid("no agent and no grant is in force: there is nobody to ask")
        return Campaign(
            id=self.new_id(),
            started_at_ns=now,
            due_at_ns=now + seconds * 1_000_000_000,
            started_by=Party.of(caller),
            registry_version=registry.version,
            items=items,
        )

    def _latest(self) -> Campaign:
        campaign = self.campaigns.latest()
        if campaign is None:
            raise NotFound("nobody was asked yet; begin with `auditspan recertify start --due 14d`")
        return campaign

    def _item(self, campaign: Campaign, name: str) -> Item:
        """The item as the registry in force has it: who owns it now may answer."""
        registry, now = self.journal.registry(), self.journal.now_ns()
        current = {i.item: i for i in items_of(registry, now)} if registry else {}
        known = [item.item for item in campaign.items]
        if name not in known:
            raise NotFound(
                f"recertification {campaign.id} does not ask about {name!r}" + nearest(name, known)
            )
        if name not in current:
            raise ControlConflict(f"{name} is not in force any more: there is nothing to answer")
        return current[name]


def answers_as(caller: Caller, item: Item) -> AnsweredAs:
    """In which capacity the caller answers for an item. Raises ControlForbidden."""
    if owns(caller, item.owner, item.owner_email):
        return "owner"
    if caller.may(Action.RECERTIFY):
        return "policy"
    owner = " ".join(filter(None, (item.owner, item.owner_email and f"<{item.owner_email}>")))
    raise ControlForbidden(
        f"{item.item} is {owner}'s: {caller.principal.id} is not called so by id or e-mail, and "
        "without the role policy nobody answers for others; see `auditspan whoami`"
    )


def _started(campaign: Campaign, why: Why) -> ControlRecord:
    items: list[JsonValue] = [body_of_item(item) for item in campaign.items]
    return ControlRecord(
        kind=RECERTIFICATION_STARTED,
        at_ns=campaign.started_at_ns,
        why=why,
        body={
            "id": campaign.id,
            "due_at_ns": campaign.due_at_ns,
            "registry_version": campaign.registry_version,
            "items": items,
        },
        requester=campaign.started_by,
    )


def body_about(campaign: Campaign, item: Item) -> dict[str, JsonValue]:
    """What a record about one item of a campaign says."""
    return {
        **{key: value for key, value in body_of_item(item).items() if key != "item"},
        "id": item.item,
        "principal": f"agent:{item.agent}",
        "campaign": campaign.id,
        "due_at_ns": campaign.due_at_ns,
        "registry_version": campaign.registry_version,
    }


def _recertified(campaign: Campaign, item: Item, answer: Answer, why: Why) -> ControlRecord:
    said: dict[str, JsonValue] = {"verdict": answer.verdict, "as": answer.answered_as}
    return ControlRecord(
        kind=ACCESS_RECERTIFIED,
        at_ns=answer.at_ns,
        why=why,
        body=body_about(campaign, item) | said,
        requester=answer.by,
    )


def _told(campaign: Campaign, item: Item, answer: Answer) -> Fields:
    return {
        **_times(campaign),
        "item": item.item,
        "verdict": answer.verdict,
        "by": answer.by.principal,
        "as": answer.answered_as,
        "at": rfc3339(answer.at_ns),
        "late": answer.at_ns >= campaign.due_at_ns,
    }


def _times(campaign: Campaign) -> Fields:
    return {
        "campaign": campaign.id,
        "started_at": rfc3339(campaign.started_at_ns),
        "due_at": rfc3339(campaign.due_at_ns),
    }
