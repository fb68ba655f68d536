"""The root log in the store has one writer: the collector whose first log begins it.

Collectors of one deployment that share a store would write their root logs over each other, since
both have the same name. The second one is refused, and needs a deployment of its own
(docs/decisions/0012-one-root-log-a-collector.md).
"""

import json

from auditspan.collector.engine.errors import LogStopped
from auditspan.storage.engine import Engine
from auditspan.storage.sealing.seals import read_bodies


def root_of(prefix: str) -> str:
    """Name of the root log over the logs that begin with `<deployment>/<instance>/`."""
    return f"{prefix.rstrip('/').rpartition('/')[0]}/root"


def expect_own_root(store: Engine, prefix: str) -> None:
    """Raises `LogStopped` if another collector has begun the root log in this store."""
    root = root_of(prefix)
    for body in read_bodies(store, root, 0, 1):
        origin = _origin(body.text)
        if not origin.startswith(prefix):
            raise LogStopped(
                f"root log {root}: in this store it is that of another collector, which began it "
                f"with {origin or 'something else'}; one root log has one writer: set "
                "service.integrity.deployment of this collector to a name of its own"
            )


def _origin(body: str) -> str:
    try:
        said = json.loads(body)
    except ValueError:
        return ""
    return str(said.get("origin", "")) if isinstance(said, dict) else ""
