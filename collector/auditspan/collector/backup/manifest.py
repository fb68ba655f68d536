"""What a backup says of itself: where and when it was taken, and every file with its SHA-256.

`manifest.json` is the last thing that is written, so that a backup without one is not whole. Its
own SHA-256 is the backup's digest, which is printed when it is made and sealed in the log.
"""

import hashlib
import re
from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from auditspan.collector.backup.errors import BackupInvalid

NAME: Final = "manifest.json"
MOST_BYTES: Final = 512 << 20
"""Of a manifest; more is no manifest."""
LONGEST: Final = 240
"""Characters of a name, so that every tar can hold it."""
FOLDERS: Final = (
    "spool", "batches", "dead", "store", "registry", "public", "checkpoints", "anchors", "forward",
    "secrets",
)  # fmt: skip
"""What a data folder consists of that is worth keeping."""
INSTANCE: Final = "instance"
_PART: Final = re.compile(r"[A-Za-z0-9._%=+,@~-]+")


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Taken(_Model):
    """The moment of a backup."""

    instance: Annotated[str, StringConstraints(pattern=r"^[a-z0-9]{8}$")]
    """The collector's id."""
    taken_at: Annotated[str, StringConstraints(max_length=40)]
    """When, in RFC 3339."""
    running: bool
    """Whether the collector worked on."""
    store: Literal["embedded", "server"]
    """Of a server no records are here."""
    migrations: dict[Annotated[int, Field(ge=1)], Annotated[str, Field(max_length=64)]] = {}
    """Checksums of the store's migrations by number."""
    log: Annotated[str, StringConstraints(max_length=1024)] = ""
    """Origin of the open log; empty if records are not sealed."""
    size: Annotated[int, Field(ge=0)] = 0
    """Its signed entries."""
    secrets: bool = False
    """Whether keys and tokens are in the backup."""
    left_out: tuple[str, ...] = ()
    """Secrets that are not: to be put back from elsewhere."""


class Member(_Model):
    """A file."""

    name: str
    """Its path in the data folder; of the store, table, part and file."""
    size: Annotated[int, Field(ge=0)]
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class Manifest(_Model):
    """Everything."""

    format: Literal[1] = 1
    """Version of the form of a backup."""
    auditspan: Annotated[str, StringConstraints(max_length=64)]
    """Version that made it."""
    taken: Taken
    files: tuple[Member, ...]
    """In the order of the backup."""

    def to_bytes(self) -> bytes:
        """As it is written."""
        return self.model_dump_json(indent=1).encode()

    @classmethod
    def of(cls, data: bytes) -> Self:
        """Read what `to_bytes` wrote. Raises `BackupInvalid`."""
        try:
            return cls.model_validate_json(data)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            place = ".".join(map(str, first["loc"])) or NAME
            raise BackupInvalid(f"{NAME}: {place}: {first['msg'].lower()}") from error


class Made(_Model):
    """What is said of a backup."""

    id: Annotated[str, StringConstraints(pattern=r"^sha256:[0-9a-f]{64}$")]
    """Its digest."""
    files: Annotated[int, Field(strict=True, ge=0)]
    bytes: Annotated[int, Field(strict=True, ge=0)]
    secrets: Annotated[bool, Field(strict=True)]


def digest_of(manifest: bytes) -> str:
    """What a backup is called by."""
    return f"sha256:{hashlib.sha256(manifest).hexdigest()}"


def checked_name(name: str) -> str:
    """A name that may stand in a backup. Raises `BackupInvalid`."""
    parts = name.split("/")
    fits = len(name) <= LONGEST and all(
        _PART.fullmatch(part) and part not in (".", "..") for part in parts
    )
    at_home = name == INSTANCE if len(parts) == 1 else parts[0] in FOLDERS
    if not (fits and at_home):
        raise BackupInvalid(f"{name[:LONGEST]!r}: no file of a data folder has such a name")
    return name
