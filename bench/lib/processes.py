"""What processes take: CPU seconds and memory of a process and all that it started, by role.

Memory of all together is their proportional share (`Pss`), that of each its own peak (`VmHWM`).
"""

import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_ROLES = {"auditspan.collector.engine": "engine", "auditspan.collector.signer": "signer"}


def family(pid: int) -> dict[str, int]:
    """The processes by role: `front`, `engine`, `signer`."""
    found = {"front": pid}
    for child in _children(pid):
        words = Path(f"/proc/{child}/cmdline").read_bytes().decode().split("\0")
        role = next((role for name, role in _ROLES.items() if name in words), f"other-{child}")
        found[role] = child
    return found


def cpu(pids: Mapping[str, int]) -> dict[str, float]:
    """CPU seconds so far, threads that have ended included."""
    return {role: _cpu(pid) for role, pid in pids.items()}


def peak_mb(pids: Mapping[str, int]) -> dict[str, float]:
    """The most that each had in memory since it began or since `reset_peaks`."""
    return {role: _status(pid, "VmHWM") / 1024 for role, pid in pids.items()}


def now_mb(pids: Mapping[str, int]) -> float:
    """What all have in memory now; pages that they share count once."""
    return sum(_pss(pid) for pid in pids.values()) / 1024


def reset_peaks(pids: Mapping[str, int]) -> None:
    """Count peaks from now on."""
    for pid in pids.values():
        Path(f"/proc/{pid}/clear_refs").write_text("5")


@dataclass(slots=True)
class Memory:
    """Memory of all processes at once, every half second."""

    samples: list[float] = field(default_factory=list)

    @property
    def peak(self) -> float:
        """The most of all together."""
        return max(self.samples, default=0.0)

    @property
    def growth(self) -> float:
        """Mean of the last quarter less that of the second, in MB: about 0 if it is flat."""
        quarter = len(self.samples) // 4
        if not quarter:
            return 0.0
        second, last = self.samples[quarter : 2 * quarter], self.samples[-quarter:]
        return sum(last) / len(last) - sum(second) / len(second)


@contextmanager
def memory_of(pids: Mapping[str, int]) -> Iterator[Memory]:
    """Watch while this runs."""
    memory, done = Memory(), threading.Event()

    def watch() -> None:
        while not done.wait(0.5):
            memory.samples.append(now_mb(pids))

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield memory
    finally:
        done.set()
        thread.join()
        memory.samples.append(now_mb(pids))


def _children(pid: int) -> list[int]:
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        found += [int(child) for child in (task / "children").read_text().split()]
    return found


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _pss(pid: int) -> int:
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1])
    return 0


def _status(pid: int, name: str) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1])
    return 0
