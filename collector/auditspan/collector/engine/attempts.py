"""In which step of which batch a process ended, told to the next one: `run/attempts`.

Before each step its name is written, after the batch it is blanked; what stands there at a start is
where the last process died. It is not synced: a process that is killed leaves the kernel's caches,
and a machine that lost its power has said nothing about a batch.
"""

import contextlib
import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Self

NAME: Final = "attempts"
GUILTY: Final = 2
"""Deaths in one step of one batch, from which on the batch is suspected."""
_WIDTH: Final = 1024
"""Bytes of the file: a write of them is whole, or was not begun."""


@dataclass(slots=True)
class Attempts:
    """What is known of the batch under way, and of the one that is taken apart."""

    descriptor: int
    batch: str = ""
    step: str = ""
    """Empty between two tries."""
    deaths: dict[str, int] = field(default_factory=dict)
    """Processes that ended, by step."""
    suspect: str = ""
    """Batch whose parts are looked at with suspicion."""

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Read what the last process left, and count its death.

        Nothing here raises: on a disk that takes nothing, nothing is known.
        """
        found = cls(-1)
        with contextlib.suppress(OSError):
            flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
            found.descriptor = os.open(folder / NAME, flags, 0o600)
            found._read(os.pread(found.descriptor, _WIDTH, 0))
        if found.step:
            found.deaths[found.step] = found.deaths.get(found.step, 0) + 1
            found.step = ""
            found._write()
        return found

    def enter(self, batch: str, step: str) -> None:
        """A step begins."""
        if batch != self.batch:
            self.batch, self.deaths = batch, {}
            if not self.is_suspect(batch):
                self.suspect = ""
        self.step = step
        self._write()

    def rest(self) -> None:
        """The step ended, if not well: whoever is killed from now on was not killed by it."""
        self.step = ""
        self._write()

    def leave(self) -> None:
        """The batch is done."""
        self.batch, self.step, self.deaths = "", "", {}
        self._write()

    def accuse(self, batch: str) -> None:
        """The batch is taken apart; whatever is part of it is suspected."""
        if not self.is_suspect(batch):
            self.suspect = batch
        self._write()

    def most_deaths(self, batch: str) -> int:
        """Processes that ended in the step of this batch that ended most."""
        return max(self.deaths.values(), default=0) if batch == self.batch else 0

    def worst_step(self) -> str:
        """That step."""
        return max(self.deaths, key=lambda step: self.deaths[step], default="")

    def is_suspect(self, batch: str) -> bool:
        """Whether a batch is part of the suspect."""
        return bool(self.suspect) and batch.startswith(f"{self.suspect}.")

    def close(self) -> None:
        """Let go of the file."""
        with contextlib.suppress(OSError):
            os.close(self.descriptor)

    def _read(self, data: bytes) -> None:
        try:
            batch, step, deaths, suspect = json.loads(data)
            self.deaths = {str(name): int(count) for name, count in deaths.items()}
        except (ValueError, TypeError, AttributeError):
            return  # Empty, or cut: nothing is known then.
        self.batch, self.step, self.suspect = str(batch), str(step), str(suspect)

    def _write(self) -> None:
        text = json.dumps([self.batch, self.step, self.deaths, self.suspect])
        with contextlib.suppress(OSError):
            os.pwrite(self.descriptor, text.encode().ljust(_WIDTH), 0)
