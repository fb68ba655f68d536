"""How far the log has come with the last batch that was signed: `batches/log.json`.

It holds the tree's complete subtrees and is as small after a year as after a day. What it says is
checked against the signing process and the store at every start, so it is a convenience, not a
proof.
"""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Self

from auditspan.identity.files import write_atomic
from auditspan.integrity.errors import ProofInvalid
from auditspan.integrity.merkle import Frontier

LOG: Final = "log.json"
_VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class Log:
    """A log up to its last signed tree."""

    origin: str
    """Its name: `<domain>/auditspan/<deployment>/<instance>/<epoch>`."""
    tree: Frontier
    sealed_at: int
    """When its last entry was sealed, unix nanoseconds; no later one says less."""

    def after(self, tree: Frontier, sealed_at: int) -> Self:
        """The same log with a larger tree."""
        return replace(self, tree=tree, sealed_at=sealed_at)


def write_log(folder: Path, log: Log) -> None:
    """Put the state on disk."""
    state = {
        "version": _VERSION,
        "origin": log.origin,
        "size": log.tree.size,
        "roots": [root.hex() for root in log.tree.roots],
        "sealed_at": log.sealed_at,
    }
    write_atomic(folder / LOG, json.dumps(state).encode())


def read_log(folder: Path) -> Log | None:
    """What was written; None if there is nothing, or nothing that can be read."""
    try:
        state = json.loads((folder / LOG).read_text())
        if state["version"] != _VERSION:
            return None
        roots = tuple(bytes.fromhex(root) for root in state["roots"])
        return Log(state["origin"], Frontier(state["size"], roots), state["sealed_at"])
    except (OSError, ValueError, KeyError, TypeError, ProofInvalid):
        return None
