"""What became of each adapter in this process: the ground of every statement about coverage."""

from dataclasses import dataclass
from typing import Literal

State = Literal[
    "absent", "disabled", "no_adapter", "armed", "patched", "unguarded", "missing", "failed"
]
UNGUARDED: frozenset[State] = frozenset({"unguarded", "missing", "failed"})


@dataclass(frozen=True, slots=True)
class AdapterState:
    """One framework, and whether its tool calls are guarded.

    `absent`      not installed, or in a version that calls no tools
    `disabled`    left out by AUDITSPAN_DISABLED_ADAPTERS
    `no_adapter`  installed, and we have no adapter for it yet
    `armed`       its functions are where they should be; guarded when the agent imports them
    `patched`     guarded
    `unguarded`   imported, and we have no adapter for it yet
    `missing`     a function is not where the adapter looks for it
    `failed`      something else prevented the guard
    """

    name: str
    distribution: str
    version: str
    """"" if it is not installed."""
    state: State
    problem: str = ""
    """What is wrong, and what to do; also that a version is not among the tested ones."""

    @property
    def guarded(self) -> bool:
        """Whether its tool calls are, or will be, guarded."""
        return self.state in ("armed", "patched")

    @property
    def unguarded(self) -> bool:
        """Whether it is or may be used, nobody left it out, and its tool calls pass unseen."""
        return self.state in UNGUARDED

    @property
    def title(self) -> str:
        """What it is called on the record of coverage."""
        named = f"{self.name} {self.version}".rstrip()
        return f"{named}: {self.problem}" if self.problem else named
