"""Which credentials prove whom: what the registry in force says, also after a change."""

from collections.abc import Callable

from auditspan.collector.front.auth_config import AuthConfig
from auditspan.collector.front.authentication import Bindings
from auditspan.registry import Registry


def bindings_in_force(
    registry: Callable[[], Registry | None], auth: AuthConfig
) -> Callable[[], Bindings]:
    """A function that gives the bindings; they are made anew when another registry is in force."""
    found = Bindings.of((), auth)
    seen: Registry | None = None

    def bindings() -> Bindings:
        nonlocal found, seen
        now = registry()
        if now is not seen:
            agents = now.agents.values() if now else ()
            members = now.principals.values() if now else ()
            found, seen = Bindings.of(agents, auth, members), now
        return found

    return bindings
