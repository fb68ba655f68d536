"""What a decision can differ by, as the policies' own text tells: the key of a kept decision.

`Slice.attributes` names all that a policy can reach. Each is traced back here to what the guard has
in hand before a call, so that two calls with one key are one question. An attribute that is not
known here means that nothing is kept.
"""

from bisect import bisect_right
from dataclasses import dataclass
from typing import Final

from auditspan.instrumentation.act import Act
from auditspan.instrumentation.identity import Identity
from auditspan.policy import Slice
from auditspan.policy.calendar import MINUTE_NS
from auditspan.registry.models import Registry

MAX_ARGUMENTS: Final = 4096
"""Characters of arguments; a decision on more is not kept."""
Key = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Depends:
    """What the answers of one slice can differ by, besides operation, name and agent."""

    arguments: bool = False
    user: bool = False
    target: bool = False
    purpose: bool = False
    minute: bool = False
    grants: tuple[int, ...] | None = None
    """The moments at which a grant begins or ends, in order; None if grants do not matter."""
    anything: bool = False
    """What nobody can tell: nothing is kept."""

    def key(self, act: Act, identity: Identity, at: int) -> Key | None:
        """What a decision is kept under; None if it must not be kept."""
        arguments = act.arguments if self.arguments else ""
        if self.anything or (arguments and len(arguments) > MAX_ARGUMENTS):
            return None
        return (
            act.operation,
            act.name,
            identity.agent_id,
            identity.agent_name,
            arguments,
            _user(identity) if self.user else None,
            (act.target_type, act.target_id) if self.target else None,
            identity.purpose if self.purpose else "",
            at // MINUTE_NS if self.minute else 0,
            bisect_right(self.grants, at) if self.grants else 0,
        )


def _user(identity: Identity) -> Key:
    """The statement is the user, if there is one."""
    statement = identity.proof.statement if identity.proof is not None else ""
    return (True, statement) if statement else (False, identity.user)


def depends(slice_: Slice, tool: str, registry: Registry) -> Depends:
    """What the answers of a slice can differ by; `tool` is "" for other operations."""
    kinds = {_kind(name, bool(tool)) for name in slice_.attributes}
    grant = "grant" in kinds
    target = grant or "target" in kinds
    known = registry.tools.get(tool)
    by_target = target and known is not None and bool(known.target.id)
    return Depends(
        arguments=bool(slice_.types.fields) or by_target,
        user=grant or "user" in kinds,
        target=target,
        purpose="purpose" in kinds,
        minute=slice_.timed,
        grants=_moments(registry) if grant else None,
        anything="unknown" in kinds,
    )


_AGENT: Final = "agent"
_KINDS: Final = {
    "principal": _AGENT,
    "context.environment": _AGENT,
    "context.purpose": "purpose",
    "context.grant": "grant",
    "context.user": "user",
    "context.user?": "user",
    "context.roles": "user",
    "context.scopes": "user",
    "context.target": "target",
    "context.hour": "minute",
    "context.weekday": "minute",
    "context.business_hours": "minute",
}


def _kind(attribute: str, of_tool: bool) -> str:
    """Where the value of an attribute comes from."""
    parts = attribute.split(".")
    if parts[0] == "resource":
        # A tool is known by its name; anything else is told by target and agent.
        return "name" if of_tool else "target"
    return _KINDS.get(parts[0] if parts[0] == "principal" else ".".join(parts[:2]), "unknown")


def _moments(registry: Registry) -> tuple[int, ...]:
    edges = ((grant.granted_ns, grant.expires_ns) for grant in registry.grants)
    return tuple(sorted({moment for both in edges for moment in both}))
