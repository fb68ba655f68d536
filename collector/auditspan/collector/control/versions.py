"""Every version of the registry as files: the one in force, and all that ever were.

registry/
├── current.json            the bundle in force, for whoever needs only that
└── versions/<at_ns>.json   the control record of each version, with all texts

Front writes them, the engine may read them. They hold nothing secret and are written whole or not
at all. A record is in the spool before it is here, so a file is never ahead of the audit trail.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import NamedTemporaryFile

from auditspan.collector.control.records import REGISTRY_APPLIED, ControlRecord
from auditspan.identity.files import write_atomic
from auditspan.registry import Bundle, BundleInvalid, History, Problem, Version


@dataclass(frozen=True, slots=True)
class Versions:
    """The folder of versions."""

    folder: Path
    """`<data>/registry`."""
    _seen: dict[tuple[int, int, int], str] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    _read: dict[str, Version] = field(default_factory=dict, init=False, repr=False, compare=False)

    def records(self) -> tuple[ControlRecord, ...]:
        """The record of every version, oldest first."""
        paths = sorted((self.folder / "versions").glob("*.json"))
        return tuple(ControlRecord.from_json(path.read_text()) for path in paths)

    def last(self) -> Version | None:
        """The version that came into force last, None before the first. Its file is read once.

        Raises BundleInvalid or OSError.
        """
        path = max((self.folder / "versions").glob("*.json"), default=None)
        if path is None:
            return None
        if path.name not in self._read:
            version = version_of(ControlRecord.from_json(path.read_text()))
            self._read.clear()
            self._read[path.name] = version
        return self._read[path.name]

    def current(self) -> Bundle | None:
        """The bundle in force, None before the first."""
        try:
            return Bundle.from_json((self.folder / "current.json").read_text())
        except FileNotFoundError:
            return None

    def version(self) -> str:
        """The version in force, "" before the first. Its file is read once."""
        try:
            status = (self.folder / "current.json").stat()
        except FileNotFoundError:
            return ""
        stamp = (status.st_mtime_ns, status.st_size, status.st_ino)
        version = self._seen.get(stamp)
        if version is None:
            current = self.current()
            version = current.version if current else ""
            self._seen.clear()
            self._seen[stamp] = version
        return version

    def history(self) -> History:
        """All versions, read and ready to judge by."""
        return History(tuple(version_of(record) for record in self.records()))

    def check(self) -> None:
        """Raises OSError if the folder takes no file: then no version could be put in force."""
        for folder in (self.folder, self._versions()):
            with NamedTemporaryFile(prefix=".check-", dir=folder):
                pass

    def store(self, record: ControlRecord) -> None:
        """Put a version in force. The caller has its record in the spool."""
        versions = self._versions()
        write_atomic(versions / f"{record.at_ns:020d}.json", record.to_json().encode())
        write_atomic(self.folder / "current.json", bundle_of(record).to_json().encode())

    def _versions(self) -> Path:
        versions = self.folder / "versions"
        versions.mkdir(mode=0o700, exist_ok=True)
        return versions


def bundle_of(record: ControlRecord) -> Bundle:
    """The bundle that a `registry.applied` record carries. Raises BundleInvalid."""
    if record.kind != REGISTRY_APPLIED:
        message = f"is a record of kind {record.kind!r}, expected {REGISTRY_APPLIED!r}"
        raise BundleInvalid((Problem("", 0, 0, "kind", message),))
    return Bundle.from_json(json.dumps(dict(record.body)))


def version_of(record: ControlRecord) -> Version:
    """A `registry.applied` record as a version of the history. Raises BundleInvalid."""
    return Version(record.at_ns, bundle_of(record).registry())
