"""Which credentials prove which agent: what the registry in force says, also after a change."""

import time
from collections.abc import Callable
from typing import Final

from auditspan.collector.control.versions import Versions
from auditspan.collector.data_dir import DataDir
from auditspan.collector.front.auth_config import AuthConfig
from auditspan.collector.front.authentication import Bindings

_LOOK_SECONDS: Final = 1.0
"""How often the file is looked at; requests in between take what was found."""


def bindings_in_force(
    data: DataDir, auth: AuthConfig, clock: Callable[[], float] = time.monotonic
) -> Callable[[], Bindings]:
    """A function that gives the bindings; cheap enough to be asked at every request."""
    versions = Versions(data.folder("registry"))
    path = versions.folder / "current.json"
    found, stamp, until = Bindings.of((), auth), -1, 0.0

    def bindings() -> Bindings:
        nonlocal found, stamp, until
        if clock() < until:
            return found
        until = clock() + _LOOK_SECONDS
        changed = path.stat().st_mtime_ns if path.exists() else 0
        if changed != stamp:
            bundle = versions.current()
            agents = bundle.registry().agents.values() if bundle else ()
            found, stamp = Bindings.of(agents, auth), changed
        return found

    return bindings
