"""What owners answer for: each agent and grant, with its last use and its last answer."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from auditspan.collector.control.campaigns import Campaign, Campaigns, Item, items_of
from auditspan.collector.control.fields import Fields
from auditspan.collector.control.identities import owns
from auditspan.collector.control.journal import Journal
from auditspan.collector.control.records import rfc3339
from auditspan.collector.control.two_persons import require
from auditspan.collector.query.lookups import LastUse, Lookup
from auditspan.identity.caller import Caller
from auditspan.identity.roles import Action


@dataclass(frozen=True, slots=True)
class Listing:
    """Answers what is asked of owners. Every method raises ControlForbidden."""

    journal: Journal
    campaigns: Campaigns
    lookup: Lookup

    async def items(self, caller: Caller) -> list[Fields]:
        """Every agent and grant in force, by owner. Raises ControlUnavailable.

        The last use is what records say, so it is shown to whoever reads them or decides on grants.
        """
        require(caller, Action.READ_REGISTRY, Action.RECERTIFY)
        registry, now = self.journal.registry(), self.journal.now_ns()
        sees = caller.may(Action.READ) or caller.may(Action.RECERTIFY)
        uses = await self.lookup.last_use() if sees else None
        campaigns = self.campaigns.all()
        rows = [
            {**_of_item(item, caller), **_use(item, uses), **_answer(item, campaigns, now)}
            for item in (items_of(registry, now) if registry else ())
        ]
        return sorted(rows, key=lambda row: (str(row["owner"]), str(row["item"])))

    def status(self, caller: Caller) -> list[Fields]:
        """Every campaign, oldest first, with counts."""
        require(caller, Action.READ_REGISTRY, Action.RECERTIFY)
        now = self.journal.now_ns()
        return [_status(campaign, now) for campaign in self.campaigns.all()]


def _of_item(item: Item, caller: Caller) -> Fields:
    return {
        "item": item.item,
        "agent": item.agent,
        "owner": item.owner,
        "owner_email": item.owner_email,
        "yours": owns(caller, item.owner, item.owner_email),
        "risk_tier": item.risk_tier,
        "expires_at": rfc3339(item.expires_at_ns) if item.expires_at_ns else "",
    }


def _use(item: Item, uses: Mapping[str, LastUse] | None) -> Fields:
    """`verified` is by a record of which a credential proves the agent."""
    if uses is None:
        return {"last_used_at": "", "last_use": "not shown"}
    use = uses.get(item.item)
    if use is None:
        return {"last_used_at": "", "last_use": "never"}
    if use.proven_at_ns:
        return {"last_used_at": rfc3339(use.proven_at_ns), "last_use": "verified"}
    return {"last_used_at": rfc3339(use.at_ns), "last_use": "claimed"}


def _answer(item: Item, campaigns: Sequence[Campaign], now: int) -> Fields:
    asked = [campaign for campaign in campaigns if campaign.item(item.item)]
    answered = [campaign for campaign in asked if item.item in campaign.answers]
    last = answered[-1].answers[item.item] if answered else None
    waiting = _since(asked, answered)
    return {
        "state": _state(asked, item.item, now),
        "verdict": last.verdict if last else "",
        "answered_at": rfc3339(last.at_ns) if last else "",
        "answered_by": last.by.principal if last else "",
        "answered_as": last.answered_as if last else "",
        "unanswered_since": rfc3339(waiting.started_at_ns) if waiting else "",
        "due_at": rfc3339(asked[-1].due_at_ns) if asked else "",
    }


def _since(asked: Sequence[Campaign], answered: Sequence[Campaign]) -> Campaign | None:
    """The first campaign after the last answer that asked in vain."""
    return next(iter(asked[asked.index(answered[-1]) + 1 :] if answered else asked), None)


def _state(asked: Sequence[Campaign], name: str, now: int) -> str:
    if not asked:
        return "not asked"
    if name in asked[-1].answers:
        return "answered"
    return "overdue" if asked[-1].due_at_ns <= now else "unanswered"


def _status(campaign: Campaign, now: int) -> Fields:
    answers = campaign.answers
    return {
        "campaign": campaign.id,
        "state": "open" if campaign.open_at(now) else "ended",
        "started_at": rfc3339(campaign.started_at_ns),
        "started_by": campaign.started_by.principal,
        "due_at": rfc3339(campaign.due_at_ns),
        "items": len(campaign.items),
        "answered": len(answers),
        "unanswered": len(campaign.items) - len(answers),
        "overdue": _count(name not in answers for name in campaign.overdue),
        "late": _count(answer.at_ns >= campaign.due_at_ns for answer in answers.values()),
        **{word: _count(a.verdict == word for a in answers.values()) for word in _words(campaign)},
    }


def _count(found: Iterable[bool]) -> int:
    return sum(found)


def _words(campaign: Campaign) -> Iterable[str]:
    return sorted({answer.verdict for answer in campaign.answers.values()})
