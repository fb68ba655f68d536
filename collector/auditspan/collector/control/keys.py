"""Issue and revoke API keys: the key itself is shown once, the record holds its id."""

from dataclasses import asdict, dataclass
from typing import Final

from pydantic import JsonValue

from auditspan.collector.control.errors import ControlInvalid, NotFound
from auditspan.collector.control.records import (
    KEY_ISSUED,
    KEY_REVOKED,
    ControlRecord,
    Why,
    rfc3339,
)
from auditspan.identity.api_keys import ApiKey, ApiKeys
from auditspan.identity.errors import ApiKeyUnknown
from auditspan.registry import Registry
from auditspan.registry.problems import nearest

MAX_LIFETIME: Final = 366 * 24 * 3600
"""Seconds a key may live; what lives longer is never replaced."""


@dataclass(frozen=True, slots=True)
class Wish:
    """The key that is wanted."""

    holder: str
    """Id of a registered agent, or the name of a relay."""
    relay: bool
    """Whether the holder passes on what other agents say."""
    seconds: int
    """How long it shall live."""
    label: str = ""
    """A word for people: where the key is used."""

    @property
    def principal(self) -> str:
        """Whose key it becomes."""
        return f"{'relay' if self.relay else 'agent'}:{self.holder}"


def checked(wish: Wish, registry: Registry | None) -> Wish:
    """The wish, if such a key may be issued. Raises ControlInvalid or NotFound."""
    if not 0 < wish.seconds <= MAX_LIFETIME:
        raise ControlInvalid(
            f"expires_in: is {wish.seconds} s, expected 1 s to {MAX_LIFETIME // 86400} days"
        )
    if not wish.holder or not wish.holder.isprintable() or len(wish.holder) > 128:
        raise ControlInvalid("holder: expected an agent's id or a relay's name")
    known = registry.agents if registry else {}
    if not wish.relay and wish.holder not in known:
        hint = nearest(wish.holder, known) or "; apply a registry first"
        raise NotFound(f"no agent is called {wish.holder!r}" + hint)
    if not wish.relay and known[wish.holder].disabled:
        raise ControlInvalid(f"the agent {wish.holder!r} is disabled; enable it before")
    return wish


def issue(keys: ApiKeys, wish: Wish, why: Why, at_ns: int) -> tuple[str, ControlRecord]:
    """A new key and its record."""
    expires_at = at_ns // 1_000_000_000 + wish.seconds
    text, key = keys.issue(wish.principal, expires_at=expires_at, label=wish.label)
    return text, ControlRecord(kind=KEY_ISSUED, at_ns=at_ns, why=why, body=shown(key))


def revoke(keys: ApiKeys, key_id: str, why: Why, at_ns: int) -> ControlRecord:
    """End a key now. Raises NotFound."""
    try:
        key = keys.revoke(key_id)
    except ApiKeyUnknown as error:
        raise NotFound(str(error)) from error
    return ControlRecord(kind=KEY_REVOKED, at_ns=at_ns, why=why, body=shown(key))


def shown(key: ApiKey) -> dict[str, JsonValue]:
    """What may be said of a key."""
    fields = asdict(key)
    return {
        "id": fields["id"],
        "principal": fields["principal"],
        "label": fields["label"],
        "issued_at": rfc3339(fields["issued_at"] * 1_000_000_000),
        "expires_at": rfc3339(fields["expires_at"] * 1_000_000_000),
        "revoked_at": rfc3339(fields["revoked_at"] * 1_000_000_000) if key.revoked_at else "",
    }
