"""All versions of the registry in the order they came into force."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from auditspan.registry.models import Registry


@dataclass(frozen=True, slots=True)
class Version:
    """A registry and since when it is in force."""

    applied_at_ns: int
    """Unix nanoseconds."""
    registry: Registry


@dataclass(frozen=True, slots=True)
class History:
    """Versions by time. A version is in force from its own instant until the next one's."""

    versions: tuple[Version, ...] = ()
    """Oldest first."""

    def __post_init__(self) -> None:
        times = self.applied
        if list(times) != sorted(times):
            raise ValueError("versions are not in order of applied_at_ns")

    @property
    def applied(self) -> tuple[int, ...]:
        """When each version came into force."""
        return tuple(version.applied_at_ns for version in self.versions)

    def at(self, ns: int) -> Registry | None:
        """The registry in force at a time, None before the first."""
        [index] = self.index((ns,))
        return self.versions[index].registry if index >= 0 else None

    def index(self, times: Sequence[int]) -> list[int]:
        """For each time the index of the version in force, -1 before the first."""
        applied = self.applied
        return [bisect_right(applied, time) - 1 for time in times]

    def with_version(self, version: Version) -> "History":
        """The history with one more version, put where its time says."""
        at = bisect_right(self.applied, version.applied_at_ns)
        return History((*self.versions[:at], version, *self.versions[at:]))
