"""The keys of the signing process: files of `secrets/log`, mode 0600, made when they are missing.

`root.key` signs the root log, `notary.key` cosigns with time, and each log has a key of its own,
which is deleted when the log is closed: whoever breaks in later cannot sign an old log. What is
asked of a key is `auditspan.integrity.note.Signer`, so that one of them can be kept elsewhere.
"""

import os
from dataclasses import dataclass, field
from pathlib import Path

from auditspan.identity.files import write_atomic
from auditspan.integrity.keys import LocalSigner, encode_key, new_signer, read_key
from auditspan.integrity.note import ED25519


@dataclass(frozen=True, slots=True)
class Keys:
    """Keys by the name of their file."""

    folder: Path
    passphrase: str = field(default="", repr=False)
    """All files are encrypted with it, if there is one."""

    def ensure(self, file: str, name: str, type: int = ED25519) -> LocalSigner:
        """A key, made now if it is not there. Raises `KeyInvalid`."""
        try:
            return self.read(file, name, type)
        except FileNotFoundError:
            made = new_signer(name, type)
            write_atomic(self._path(file), encode_key(made.private, self.passphrase))
            return made

    def read(self, file: str, name: str, type: int = ED25519) -> LocalSigner:
        """A key that is there. Raises `KeyInvalid` and `FileNotFoundError`."""
        return LocalSigner(name, type, read_key(self._path(file), self.passphrase))

    def destroy(self, file: str) -> None:
        """Overwrite a key and delete it; what the disk keeps of it is beyond us."""
        path = self._path(file)
        if not path.exists():
            return
        with path.open("r+b") as opened:
            opened.write(b"\0" * path.stat().st_size)
            opened.flush()
            os.fsync(opened.fileno())
        path.unlink()

    def _path(self, file: str) -> Path:
        return self.folder / f"{file}.key"
