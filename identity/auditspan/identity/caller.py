"""Who asks, as proved by a credential, and what they may do by the registry in force."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from auditspan.identity.errors import NotPermitted
from auditspan.identity.principal import Principal
from auditspan.identity.roles import ALLOWED, Action, Role, actions_of


@dataclass(frozen=True, slots=True)
class Caller:
    """A principal with its roles."""

    principal: Principal
    """Proved; `id` is `person:<id>`, `service:<id>`, `operator`, `agent:<id>` or `relay:<name>`."""
    roles: frozenset[Role] = frozenset()
    """Those of the registry in force at this request."""
    email: str = ""
    """As the registry has it, to recognise an owner by."""
    issued_by: str = ""
    """Who issued the API key that was shown, a principal's id; empty for other credentials."""
    actions: frozenset[Action] = field(init=False)
    """All that the roles allow."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "actions", actions_of(self.roles))

    def may(self, action: Action) -> bool:
        """Whether a role allows it."""
        return action in self.actions

    def require(self, action: Action) -> None:
        """Raises `NotPermitted`, which names the roles that would do."""
        if action not in self.actions:
            raise NotPermitted(
                f"{self.principal.id} may not do {action}: it takes the role "
                f"{_either(role for role in Role if action in ALLOWED[role])}, "
                f"and has {_listed(self.roles)}; see `auditspan whoami`"
            )


def _either(roles: Iterable[Role]) -> str:
    return " or ".join(roles)


def _listed(roles: frozenset[Role]) -> str:
    return ", ".join(sorted(roles)) or "none"
