"""The registry folder in the agent's process: tools, grants, policies, read again on a change."""

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from auditspan.instrumentation.errors import PoliciesUnusable
from auditspan.instrumentation.guard import Source
from auditspan.instrumentation.host import warn
from auditspan.policy import Calendar, PolicyInvalid, PolicySet
from auditspan.registry.bundle import Bundle
from auditspan.registry.errors import BundleInvalid
from auditspan.registry.models import Registry

LOOK_EVERY: Final = 5.0
"""Seconds between two looks at the files."""
Fingerprint = tuple[tuple[str, int, int], ...]


@dataclass(frozen=True, slots=True)
class Loaded:
    """One version of the policies."""

    registry: Registry
    policies: PolicySet | None
    """None if the folder has no policies: nothing is judged then."""
    source: Source = "folder"
    """Where they are from."""
    expires_ns: int | None = None
    """From when on they are too old, Unix nanoseconds; None is never."""


class Policies:
    """What a folder says now. Threads may share it."""

    def __init__(
        self, folder: Path, clock: Callable[[], float] = time.monotonic, source: Source = "folder"
    ) -> None:
        self._folder = folder
        self._source = source
        self._clock = clock
        self._loading = threading.Lock()
        self._loaded: Loaded | None = None
        self._fingerprint: Fingerprint = ()
        self._look_at = 0.0

    def loaded(self) -> Loaded:
        """The version in force. Raises PoliciesUnusable if there never was one that is right."""
        found = self._loaded
        if found is not None and self._clock() < self._look_at:
            return found
        # One thread looks, the others go on with what they have.
        if self._loading.acquire(blocking=found is None):
            try:
                self._look()
            finally:
                self._loading.release()
        if self._loaded is None:
            raise PoliciesUnusable(f"registry {self._folder}: never loaded")
        return self._loaded

    def _look(self) -> None:
        former = self._loaded
        try:
            fingerprint = _fingerprint(self._folder)
            if former is None or fingerprint != self._fingerprint:
                self._loaded = _not_disarmed(load(self._folder, self._source), former, self._folder)
                self._fingerprint = fingerprint
        except PoliciesUnusable as error:
            if former is None:
                raise
            warn("policies", "auditspan: %s; the former version stays in force", error)
        self._look_at = self._clock() + LOOK_EVERY


def _not_disarmed(found: Loaded, former: Loaded | None, folder: Path) -> Loaded:
    """What was found. Raises PoliciesUnusable if all policies are gone: a folder that is emptied
    to be filled again must not leave agents unguarded meanwhile."""
    if found.policies is None and former is not None and former.policies is not None:
        raise PoliciesUnusable(
            f"registry {folder}: has no policies any more; start the agent anew if that is meant"
        )
    return found


def load(folder: Path, source: Source = "folder") -> Loaded:
    """Read a folder. Raises PoliciesUnusable with everything that is wrong."""
    try:
        return loaded_from(Bundle.read(folder), source)
    except (BundleInvalid, PolicyInvalid, OSError) as error:
        raise PoliciesUnusable(f"registry {folder}: {error}") from error


def loaded_from(
    bundle: Bundle,
    source: Source,
    calendar: Calendar | None = None,
    expires_ns: int | None = None,
) -> Loaded:
    """What texts say. Raises BundleInvalid, PolicyInvalid."""
    registry = bundle.registry()
    texts, tools = registry.policies, registry.tools
    policies = PolicySet.load(texts, tools, calendar) if texts else None
    return Loaded(registry, policies, source, expires_ns)


def _fingerprint(folder: Path) -> Fingerprint:
    """Of all files, and links as such. Raises PoliciesUnusable."""
    found = []
    try:
        for path in folder.rglob("*"):
            with suppress(FileNotFoundError):
                status = path.lstat()
                found.append((str(path), status.st_mtime_ns, status.st_size))
    except OSError as error:
        raise PoliciesUnusable(f"registry {folder}: {error.strerror or error}") from error
    return tuple(sorted(found))
