"""Recertifications as files: what was asked when, what was answered, what was found overdue.

registry/recertification/<id>.json    one campaign; written whole or not at all at each answer

The records of the store say the same; the files are what the collector decides by, since the store
lags behind the spool.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, Self

from pydantic import BaseModel, ConfigDict, JsonValue, ValidationError

from auditspan.collector.control.errors import ControlInvalid
from auditspan.collector.control.records import Party
from auditspan.identity.files import write_atomic
from auditspan.registry import Registry

_MODEL: Final = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)
AnsweredAs = Literal["owner", "policy"]


class Item(BaseModel):
    """An agent or a grant that somebody has to answer for."""

    model_config = _MODEL

    item: str
    """`agent:<id>` or `grant:<id>`."""
    agent: str
    """The agent, also of a grant."""
    owner: str
    """The agent's owner, or the grant's grantor."""
    owner_email: str = ""
    """Of the agent's owner; a grantor has only a name, which may be an address."""
    risk_tier: str = ""
    """Of the agent."""
    expires_at_ns: int = 0
    """Of the grant; 0 for an agent, which does not expire."""


class Answer(BaseModel):
    """What was said of an item."""

    model_config = _MODEL

    verdict: str
    """One of `verdicts.yaml`."""
    by: Party
    """Who said it, verified."""
    answered_as: AnsweredAs
    """As its owner, or by the role policy."""
    at_ns: int
    """When."""


class Overdue(BaseModel):
    """That nobody answered in time."""

    model_config = _MODEL

    record: str
    """The control record, word for word, so that it can be recognised in the spool and store."""
    written: bool
    """Whether it is known to be on disk; otherwise that has to be looked up."""


class Campaign(BaseModel):
    """One time of asking all owners."""

    model_config = _MODEL

    format: Literal[1] = 1
    """Version of this form."""
    id: str
    """Names it."""
    started_at_ns: int
    """When owners were asked."""
    due_at_ns: int
    """Until when they may answer without a finding."""
    started_by: Party
    """Who asked, verified."""
    registry_version: str
    """The registry that was in force."""
    items: tuple[Item, ...]
    """What was asked about."""
    answers: Mapping[str, Answer] = {}
    """The latest answer by item."""
    overdue: Mapping[str, Overdue] = {}
    """What was found unanswered after the due date, by item."""

    def open_at(self, now_ns: int) -> bool:
        """Whether owners still have time and something to say."""
        return now_ns < self.due_at_ns and len(self.answers) < len(self.items)

    def item(self, name: str) -> Item | None:
        """What was asked about a name."""
        return next((item for item in self.items if item.item == name), None)

    def answered(self, name: str, answer: Answer) -> Self:
        """With an answer more."""
        return self.model_copy(update={"answers": {**self.answers, name: answer}})

    def with_overdue(self, found: Mapping[str, Overdue]) -> Self:
        """With findings more, or with what has become of them."""
        return self.model_copy(update={"overdue": {**self.overdue, **found}})


@dataclass(frozen=True, slots=True)
class Campaigns:
    """The folder of campaigns."""

    folder: Path
    """`<data>/registry/recertification`."""

    def all(self) -> list[Campaign]:
        """Every one, oldest first. Raises ControlInvalid for a damaged file."""
        found = [_read(path) for path in self.folder.glob("[!.]*.json")]
        return sorted(found, key=lambda campaign: (campaign.started_at_ns, campaign.id))

    def latest(self) -> Campaign | None:
        """The one that answers go to."""
        return next(reversed(self.all()), None)

    def store(self, campaign: Campaign) -> None:
        """Keep a campaign. The caller has its record in the spool."""
        self.folder.mkdir(mode=0o700, exist_ok=True)
        path = self.folder / f"{campaign.id}.json"
        write_atomic(path, campaign.model_dump_json().encode())


def items_of(registry: Registry, now_ns: int) -> tuple[Item, ...]:
    """All agents, and the grants that have not expired: what gives no access asks nothing."""
    return (*_agents(registry), *_grants(registry, now_ns))


def names_of_items(registry: Registry | None, now_ns: int) -> frozenset[str]:
    """The names of what gives access under a registry."""
    return frozenset(item.item for item in items_of(registry, now_ns)) if registry else frozenset()


def body_of_item(item: Item) -> dict[str, JsonValue]:
    """An item as records carry it."""
    fields: dict[str, JsonValue] = item.model_dump(mode="json")
    return fields


def _agents(registry: Registry) -> Iterable[Item]:
    for agent in registry.agents.values():
        yield Item(
            item=f"agent:{agent.id}",
            agent=agent.id,
            owner=agent.owner,
            owner_email=agent.owner_email,
            risk_tier=agent.risk_tier,
        )


def _grants(registry: Registry, now_ns: int) -> Iterable[Item]:
    for grant in registry.grants:
        if grant.expires_ns > now_ns:
            agent = registry.agents.get(grant.agent)
            yield Item(
                item=f"grant:{grant.id}",
                agent=grant.agent,
                owner=grant.grantor,
                risk_tier=agent.risk_tier if agent else "",
                expires_at_ns=grant.expires_ns,
            )


def _read(path: Path) -> Campaign:
    try:
        return Campaign.model_validate_json(path.read_bytes())
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"])) or "file"
        raise ControlInvalid(
            f"{path}: {place}: {first['msg'].lower()}; it was changed by hand: restore it"
        ) from error
