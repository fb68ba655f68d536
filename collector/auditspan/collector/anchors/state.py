"""What an anchor's keeper remembers over a restart: `data/anchors/<name>/state.json`.

It is written after the receipt, so that a crash in between anchors one note twice, which is none
twice: the anchor knows it.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Final, Literal, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from auditspan.collector.anchors.errors import AnchorUnusable
from auditspan.identity.files import write_atomic

STATE: Final = "state.json"


class Tree(BaseModel):
    """The largest tree of a log that was anchored."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    size: int
    root: str
    """Hash in hex."""


class State(BaseModel):
    """One anchor."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    format: Literal[1] = 1
    since: float
    """Unix seconds when all that was signed was anchored last; at first, when the anchor began."""
    trees: Mapping[str, Tree] = {}
    """By the log's name."""
    failures: int = 0
    """Tries without success since then."""
    problem: str = ""
    """What the last of them said."""
    missed: bool = False
    """Whether it is recorded that this takes too long."""

    def anchored(self, origin: str, tree: Tree) -> Self:
        """After a receipt."""
        return self.model_copy(update={"trees": {**self.trees, origin: tree}})

    def done(self, now: float) -> Self:
        """All that was signed is anchored."""
        return self.model_copy(update={"since": now, "failures": 0, "problem": "", "missed": False})

    def failed(self, problem: str) -> Self:
        """One more try without success."""
        return self.model_copy(update={"failures": self.failures + 1, "problem": problem})


def read_state(folder: Path) -> State | None:
    """The state; None if there is none. Raises `AnchorUnusable` if it cannot be read."""
    path = folder / STATE
    try:
        return State.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValidationError) as error:
        raise AnchorUnusable(
            f"{path}: cannot be read ({type(error).__name__}): restore it, or delete it to begin "
            "anew"
        ) from error


def write_state(folder: Path, state: State) -> None:
    """Put it on disk for good."""
    folder.mkdir(mode=0o700, exist_ok=True)
    write_atomic(folder / STATE, state.model_dump_json().encode())
