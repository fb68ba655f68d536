"""A folder on another disk for old parts of an embedded store, and that it is the right one.

`<store>/cold-volume.json` names the folder and an id; the same id stands in the folder. A store is
opened with the folder that has its id, or not at all: with an empty one, for example because a disk
is not mounted, the engine would take the parts in it for deleted.
"""

import json
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from auditspan.identity.files import write_atomic
from auditspan.storage.errors import StoreError

POLICY: Final = "auditspan"
"""The storage policy of `engine_config/config_cold.xml`."""
VOLUME: Final = "cold"
NAME: Final = "cold-volume.json"
"""In the store: path and id; in the folder: the id."""


@dataclass(frozen=True, slots=True)
class ColdVolume:
    """Where old parts are."""

    path: Path
    id: str


def known(store: Path) -> ColdVolume | None:
    """The volume that a store was opened with, wherever it is now. Raises `StoreError`."""
    said = _read(store / NAME)
    return ColdVolume(Path(said["path"]), said["id"]) if said else None


def claim(store: Path, wanted: Path | None) -> Path | None:
    """The folder of a store's old parts; one that is asked for the first time is made.

    None if the store has none. Raises `StoreError`.
    """
    before = known(store)
    if before is None:
        return _made(store, wanted.absolute()) if wanted else None
    path = wanted.absolute() if wanted else before.path
    if _read(path / NAME).get("id") != before.id:
        raise StoreError(
            f"cold volume {path}: parts of the store {store} are in a folder with the id "
            f"{before.id}, which this one does not have: mount its disk, or name where it is under "
            "storage.cold.path"
        )
    if path != before.path:
        _write(store / NAME, {"path": str(path), "id": before.id})
    return path


def _made(store: Path, path: Path) -> Path:
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        if any(path.iterdir()):
            raise StoreError(f"cold volume {path}: is not empty, and not that of this store")
        path.chmod(0o700)
        id = secrets.token_hex(16)
        _write(path / NAME, {"id": id})
        _write(store / NAME, {"path": str(path), "id": id})
    except OSError as error:
        raise StoreError(f"cold volume {path}: {error.strerror}") from error
    return path


def _read(path: Path) -> dict[str, str]:
    try:
        said = json.loads(path.read_bytes())
        return {name: str(said[name]) for name in said}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, TypeError) as error:
        raise StoreError(f"{path}: expected what a cold volume is: {error}") from error


def _write(path: Path, said: dict[str, str]) -> None:
    write_atomic(path, json.dumps(said).encode())
