"""Issue and revoke API keys: the key itself is shown once, the record holds its id.

Whoever issues a key has seen it, so it says who that was.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Final, Literal

from pydantic import JsonValue

from auditspan.collector.control.errors import ControlInvalid, NotFound
from auditspan.collector.control.records import (
    KEY_ISSUED,
    KEY_REVOKED,
    ControlRecord,
    Party,
    Why,
    rfc3339,
)
from auditspan.identity.api_keys import ApiKey, ApiKeys
from auditspan.identity.errors import ApiKeyUnknown
from auditspan.registry import Agent, Registry
from auditspan.registry.members import Member
from auditspan.registry.problems import nearest

MAX_LIFETIME: Final = 366 * 24 * 3600
"""Seconds a key may live; what lives longer is never replaced."""

HolderKind = Literal["agent", "relay", "person", "service"]


@dataclass(frozen=True, slots=True)
class Wish:
    """The key that is wanted."""

    holder: str
    """Id of an agent, person or service of the registry without its kind, or a relay's name."""
    kind: HolderKind
    """What the holder is; a relay passes on what other agents say."""
    seconds: int
    """How long it shall live."""
    label: str = ""
    """A word for people: where the key is used."""

    @property
    def principal(self) -> str:
        """Whose key it becomes."""
        return f"{self.kind}:{self.holder}"


def checked(wish: Wish, registry: Registry | None) -> Wish:
    """The wish, if such a key may be issued. Raises ControlInvalid or NotFound."""
    if not 0 < wish.seconds <= MAX_LIFETIME:
        raise ControlInvalid(
            f"expires_in: is {wish.seconds} s, expected 1 s to {MAX_LIFETIME // 86400} days"
        )
    if not wish.holder or not wish.holder.isprintable() or len(wish.holder) > 128:
        raise ControlInvalid("holder: expected the id of an agent, person or service, or a name")
    if wish.kind == "agent":
        _check_agent(wish.holder, registry.agents if registry else {})
    elif wish.kind != "relay":
        _check_member(wish.principal, registry.principals if registry else {})
    return wish


def _check_agent(holder: str, known: Mapping[str, Agent]) -> None:
    if holder not in known:
        hint = nearest(holder, known) or "; apply a registry first"
        raise NotFound(f"no agent is called {holder!r}" + hint)
    if known[holder].disabled:
        raise ControlInvalid(f"the agent {holder!r} is disabled; enable it before")


def _check_member(principal: str, known: Mapping[str, Member]) -> None:
    """Their roles stand in the registry, so a key for somebody unknown would open nothing."""
    if principal not in known:
        hint = nearest(principal, known) or "; apply a registry with principals/*.yaml first"
        raise NotFound(f"nobody is called {principal!r}" + hint)
    if known[principal].disabled:
        raise ControlInvalid(f"{principal} is disabled in the registry; enable it before")


def issue(
    keys: ApiKeys, wish: Wish, why: Why, requester: Party, at_ns: int
) -> tuple[str, ControlRecord]:
    """A new key and its record."""
    text, key = keys.issue(
        wish.principal,
        expires_at=at_ns // 1_000_000_000 + wish.seconds,
        label=wish.label,
        issued_by=requester.principal,
    )
    return text, _record(KEY_ISSUED, key, why, requester, at_ns)


def revoke(keys: ApiKeys, key_id: str, why: Why, requester: Party, at_ns: int) -> ControlRecord:
    """End a key now. Raises NotFound."""
    try:
        key = keys.revoke(key_id)
    except ApiKeyUnknown as error:
        raise NotFound(str(error)) from error
    return _record(KEY_REVOKED, key, why, requester, at_ns)


def _record(kind: str, key: ApiKey, why: Why, requester: Party, at_ns: int) -> ControlRecord:
    return ControlRecord(kind=kind, at_ns=at_ns, why=why, body=shown(key), requester=requester)


def shown(key: ApiKey) -> dict[str, JsonValue]:
    """What may be said of a key."""
    fields = asdict(key)
    return {
        "id": fields["id"],
        "principal": fields["principal"],
        "label": fields["label"],
        "issued_by": fields["issued_by"],
        "issued_at": rfc3339(fields["issued_at"] * 1_000_000_000),
        "expires_at": rfc3339(fields["expires_at"] * 1_000_000_000),
        "revoked_at": rfc3339(fields["revoked_at"] * 1_000_000_000) if key.revoked_at else "",
    }
