"""By which names records and the registry mean a caller: id, e-mail, the subject of a bound token.

Where a match refuses something (who had a part may not review), names are compared without regard
to case. Where it permits something (an owner answers), an id has to be written as it is.
"""

from collections.abc import Iterable
from typing import Final

from auditspan.identity.caller import Caller
from auditspan.registry import Member, Registry

PERSON: Final = "person:"


def names_of(caller: Caller, registry: Registry | None) -> frozenset[str]:
    """All names by which records may mean the caller."""
    principal = caller.principal.id
    member = registry.principals.get(principal) if registry else None
    return _folded((*_names(principal, caller.email), *(_subjects(member) if member else ())))


def names_of_member(member: Member) -> frozenset[str]:
    """All names by which records may mean somebody of the registry."""
    return _folded((*_names(member.id, member.email), *_subjects(member)))


def owns(caller: Caller, owner: str, owner_email: str) -> bool:
    """Whether the registry's words for an owner mean the caller. An owner may be an address."""
    principal = caller.principal.id
    if owner in (principal, principal.removeprefix(PERSON)):
        return True
    return bool(same(_folded((caller.email,)), owner, owner_email))


def same(names: frozenset[str], *others: str) -> str:
    """The first of the others that is one of the names; empty if none is."""
    return next((other for other in others if other and other.strip().casefold() in names), "")


def _names(principal: str, email: str) -> tuple[str, ...]:
    return principal, principal.removeprefix(PERSON), email


def _subjects(member: Member) -> Iterable[str]:
    return (binding.subject for binding in member.credentials.jwt)


def _folded(names: Iterable[str]) -> frozenset[str]:
    return frozenset(name.strip().casefold() for name in names if name.strip())
