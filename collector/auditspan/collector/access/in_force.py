"""The registry in force, read again as soon as another one is: a role taken away is gone at the
next request.
"""

from pathlib import Path

from auditspan.collector.control.versions import Versions
from auditspan.registry import Registry

_Stamp = tuple[int, int, int]


class RegistryInForce:
    """Gives the registry in force; cheap enough to be asked at every request."""

    def __init__(self, folder: Path) -> None:
        """`folder` is `<data>/registry`."""
        self._versions = Versions(folder)
        self._path = folder / "current.json"
        self._stamp: _Stamp | None = None
        self._registry: Registry | None = None

    def __call__(self) -> Registry | None:
        """The registry, None before the first one.

        Raises `BundleInvalid` or `OSError` if its file cannot be read: nobody has a role then.
        """
        stamp = self._look()
        if stamp != self._stamp:
            # Forgotten first: an unreadable file must not leave the old one in force.
            self._registry, self._stamp = None, None
            bundle = self._versions.current()
            self._registry = bundle.registry() if bundle else None
            self._stamp = stamp
        return self._registry

    def _look(self) -> _Stamp | None:
        """What changes when the file is replaced; None without one."""
        try:
            status = self._path.stat()
        except FileNotFoundError:
            return None
        return status.st_mtime_ns, status.st_size, status.st_ino
