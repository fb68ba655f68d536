"""People who are asked, a registry in which they own something, and a store that says what it is
told to say."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import JsonValue

from auditspan.collector.control.human import Human
from auditspan.collector.control.journal import Journal
from auditspan.collector.control.records import REGISTRY_APPLIED, ControlRecord, Why
from auditspan.collector.control.versions import Versions
from auditspan.collector.query.lookups import Lookup, Params, Rows
from auditspan.identity.api_keys import ApiKeys
from auditspan.identity.caller import Caller
from auditspan.identity.principal import named_principal
from auditspan.identity.roles import Role
from auditspan.registry import Bundle
from tests.collector.control.bundles import bundle
from tests.collector.control.callers import Spool

SECOND = 10**9
DAY = 86_400 * SECOND
START = 1_800_000_000 * SECOND
MEMBERS = """\
- {id: "person:ivan", name: Ivan, email: ivan@example.org, roles: investigator}
- {id: "person:pia", name: Pia, roles: policy}
- {id: "person:paul", name: Paul, roles: policy}
- {id: "person:olga", name: Olga, email: Olga@Example.org, roles: reader}
- {id: "person:boss", name: Boss, roles: reader}
- {id: "person:tom", name: Tom, roles: investigator, credentials: {jwt: [{issuer: "https://id",
   subject: "00u7"}]}}
- {id: "service:bot", name: Bot, roles: [investigator, policy]}
"""
WHY = Why(reason="looked at it", ticket="T-1")


def owned(**changed: str) -> Bundle:
    """The small registry: Olga owns the agent by her address, the person boss gave the grant."""
    agent = (
        "{id: helper, name: Helper, owner: Payments, owner_email: olga@example.org, purpose: p,"
        " risk_tier: high}"
    )
    files = dict(bundle(**{"agents__a": agent, **changed}).files)
    files["principals/people.yaml"] = MEMBERS
    del files["controls.yaml"]
    return Bundle(files)


def person(id: str, *roles: Role, email: str = "", issued_by: str = "operator") -> Caller:
    """Somebody with an API key."""
    principal = named_principal(id, "api_key", "k-" + id, "127.0.0.1", 0)
    return Caller(principal, frozenset(roles), email, issued_by)


IVAN = person("person:ivan", Role.INVESTIGATOR, email="ivan@example.org")
TOM = person("person:tom", Role.INVESTIGATOR)
PIA = person("person:pia", Role.POLICY)
OLGA = person("person:olga", Role.READER, email="Olga@Example.org")
BOSS = person("person:boss", Role.READER)
BOT = person("service:bot", Role.INVESTIGATOR, Role.POLICY)

FACTS: dict[str, JsonValue] = {
    "record_id": "r1", "kind": "action", "operation": "execute_tool", "outcome": "success",
    "severity": 5, "review_required": True, "at_ns": START, "agent_id": "helper",
    "agent_owner": "Payments", "agent_owner_email": "", "principal_id": "agent:helper",
    "user_id": "bob", "user_email": "bob@example.org", "user_subject": "",
    "user_provenance": "verified",
    "delegation_chain": [], "approved_by": "", "approver": "",
}  # fmt: skip


@dataclass
class Told:
    """The store: its rows by question, or away."""

    rows: dict[str, Sequence[Mapping[str, JsonValue]]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    away: Exception | None = None

    async def ask(self, name: str, params: Params) -> Rows:
        """The rows that were told."""
        self.asked.append(name)
        if self.away:
            raise self.away
        wanted = params.get("record_id")
        found = [dict(row) for row in self.rows.get(name, ())]
        return [row for row in found if wanted in (None, row.get("record_id"))]


@dataclass
class Desk:
    """What people are asked for, over an empty folder."""

    folder: Path
    spool: Spool
    told: Told
    clock: list[int]
    human: Human
    journal: Journal
    keys: ApiKeys

    def apply(self, texts: Bundle) -> None:
        """Put a registry in force."""
        body: dict[str, JsonValue] = {
            "files": dict(texts.files),
            "version": texts.version,
            "policy_version": "",
            "previous": "",
        }
        at = self.journal.next_ns()
        record = ControlRecord(
            kind=REGISTRY_APPLIED, at_ns=at, why=Why(requested_by="x"), body=body
        )
        self.journal.versions.store(record)


def desk_in(folder: Path) -> Desk:
    """With the registry in force and a clock that stands still until it is set."""
    registry = folder / "registry"
    registry.mkdir(parents=True, exist_ok=True)
    (folder / "spool").mkdir(exist_ok=True)
    spool, told, clock = Spool(), Told({"record": [FACTS]}), [START]
    journal = Journal(Versions(registry), spool.submit, lambda: clock[0])
    keys = ApiKeys(folder / "api_keys.json")
    human = Human.of(journal, keys, Lookup(told.ask), folder / "spool")
    desk = Desk(folder, spool, told, clock, human, journal, keys)
    desk.apply(owned())
    return desk
