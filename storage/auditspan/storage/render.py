"""One SQL text for an embedded engine, a server and a cluster.

| in the text | embedded or server | cluster |
|---|---|---|
| `{local t}` | `t` | `t_local ON CLUSTER c`; a CREATE also makes `t` as Distributed over it |
| `{both t}` | `t` | the statement twice: for `t_local ON CLUSTER c`, then for `t ON CLUSTER c` |
| `{view v}` | `v` | `v ON CLUSTER c` |
| `{engine}` | `MergeTree` | `ReplicatedMergeTree` with the server's default path and macros |
| `{durable}` | settings that put parts on disk before their sources go | the same |
"""

import re
from dataclasses import dataclass

from auditspan.storage.engine import Engine

_LOCAL = re.compile(r"\{local (\w+)\}")
_BOTH = re.compile(r"\{both (\w+)\}")
_VIEW = re.compile(r"\{view (\w+)\}")
_DURABLE = (
    "min_rows_to_fsync_after_merge = 1, min_compressed_bytes_to_fsync_after_merge = 1, "
    "fsync_after_insert = 1, fsync_part_directory = 1, old_parts_lifetime = 480"
)


@dataclass(frozen=True, slots=True)
class Target:
    """Where statements are to run."""

    database: str
    """Database of our tables."""
    cluster: str = ""
    """Cluster name; empty for an embedded engine or one server."""

    @classmethod
    def of(cls, engine: Engine) -> "Target":
        """The target that an engine is."""
        return cls(engine.config.database, engine.config.cluster)

    @property
    def on(self) -> str:
        """`ON CLUSTER` and its name, after a space; empty without a cluster."""
        return f" ON CLUSTER `{self.cluster}`" if self.cluster else ""

    def create_database(self, name: str) -> str:
        """The statement that makes a database."""
        return f"CREATE DATABASE IF NOT EXISTS {name}{self.on}"

    def table(self, name: str) -> str:
        """The table that rows are written to: on a cluster the one of the shard written to."""
        return f"{name}_local" if self.cluster else name


def statements(text: str, target: Target) -> list[str]:
    """The statements of a SQL file for a target."""
    lines = (line for line in text.splitlines() if not line.lstrip().startswith("--"))
    found = (part.strip() for part in "\n".join(lines).split(";\n"))
    return [ready for part in found if part.strip(";") for ready in _render(part, target)]


def _render(statement: str, target: Target) -> list[str]:
    statement = statement.rstrip(";").replace("{durable}", _DURABLE)
    statement = statement.replace("{engine}", _engine(target))
    on = target.on
    statement = _VIEW.sub(lambda found: f"{found[1]}{on}", statement)
    if not target.cluster:
        return [_BOTH.sub(r"\1", _LOCAL.sub(r"\1", statement))]
    both = _BOTH.search(statement)
    if both:
        return [_BOTH.sub(f"{name}{on}", statement) for name in (f"{both[1]}_local", both[1])]
    local = _LOCAL.search(statement)
    if not local:
        return [statement]
    made = _LOCAL.sub(f"{local[1]}_local{on}", statement)
    return [made, _distributed(local[1], on, target)] if made.startswith("CREATE") else [made]


def _engine(target: Target) -> str:
    return "ReplicatedMergeTree" if target.cluster else "MergeTree"


def _distributed(name: str, on: str, target: Target) -> str:
    # A batch goes to one shard as a whole, by writing to its local table; the key only spreads
    # what is inserted through this one.
    return (
        f"CREATE TABLE IF NOT EXISTS {name}{on} AS {name}_local "
        f"ENGINE = Distributed(`{target.cluster}`, {target.database}, {name}_local, rand())"
    )
