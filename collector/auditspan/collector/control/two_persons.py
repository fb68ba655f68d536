"""Who may put a change in force: the rule of two persons, and when it cannot hold yet.

1. `two_persons`: one principal proposes, another approves.
2. `single_operator`: the registry in force says so; whoever could approve what they propose does it
   alone, with the finding `change.self_approved`.
3. `bootstrap`: no registry is in force, or one from before this rule with fewer than two approvers;
   the same, with the finding `change.bootstrap`.

No registry comes into force that leads back to 3.
"""

from collections.abc import Iterable, Mapping
from typing import Final, Literal

from auditspan.collector.control.errors import ControlForbidden, ControlInvalid
from auditspan.collector.control.records import Party
from auditspan.identity.api_keys import ApiKey
from auditspan.identity.caller import Caller
from auditspan.identity.errors import NotPermitted
from auditspan.identity.roles import Action
from auditspan.registry import Registry

Mode = Literal["two_persons", "single_operator", "bootstrap"]

FINDING_ALONE: Final[Mapping[Mode, str]] = {
    "single_operator": "change.self_approved",
    "bootstrap": "change.bootstrap",
}
"""The finding of a change that one person put in force."""

FEWEST: Final = 2
"""Principals who may approve, so that one can approve what the other proposes."""


def mode_of(registry: Registry | None) -> Mode:
    """How changes are decided under the registry in force."""
    if registry is not None and registry.controls.single_operator:
        return "single_operator"
    if registry is None or len(registry.approvers()) < FEWEST:
        return "bootstrap"
    return "two_persons"


def leaves_somebody(registry: Registry) -> Registry:
    """The registry, if its next change can be decided. Raises ControlInvalid with the fix."""
    if mode_of(registry) != "bootstrap":
        return registry
    found = ", ".join(registry.approvers()) or "nobody"
    raise ControlInvalid(
        f"under this registry no change could be approved: it takes {FEWEST} principals with the "
        f"role policy who are not disabled, and there is {found}; give the role to another one in "
        "principals/*.yaml, or write `single_operator: true` into controls.yaml"
    )


def require(caller: Caller, *actions: Action) -> None:
    """Raises ControlForbidden if the caller may do none of these."""
    if any(caller.may(action) for action in actions):
        return
    try:
        caller.require(actions[0])
    except NotPermitted as error:
        raise ControlForbidden(str(error)) from error


def check_another(caller: Caller, requester: Party, keys: Iterable[ApiKey]) -> None:
    """Raises ControlForbidden unless the caller is somebody else than who asked, proved by a
    credential that who asked has never seen."""
    who = caller.principal.id
    if who == requester.principal:
        raise ControlForbidden(
            f"{who} asked for this change, so another principal must approve it; to take it back: "
            "`auditspan withdraw`"
        )
    if caller.principal.method == "api_key" and not caller.issued_by:
        raise ControlForbidden(
            f"the key shown by {who} does not say who issued it, so anybody could have seen it; "
            "approve with a new key"
        )
    if caller.issued_by and caller.issued_by in held_by(requester.principal, keys):
        raise ControlForbidden(
            f"the key shown by {who} was issued by {caller.issued_by}: {requester.principal}, who "
            "asked for this change, could have seen it; approve with a key that somebody else "
            "issued, or with a token of your identity provider"
        )


def held_by(principal: str, keys: Iterable[ApiKey]) -> frozenset[str]:
    """All whom a principal could act as: itself, and whose keys it issued, and so on from there."""
    issued = [(key.issued_by, key.principal) for key in keys if key.issued_by]
    held, before = {principal}, 0
    while len(held) > before:
        before = len(held)
        held.update(holder for issuer, holder in issued if issuer in held)
    return frozenset(held)
