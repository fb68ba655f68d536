"""The keys of root log and notary, which auditors pin: never another one under the same name
(docs/decisions/0013-root-key.md).
"""

from collections.abc import Mapping
from dataclasses import dataclass

from auditspan.collector.signer.errors import KeyMismatch
from auditspan.collector.signer.keys import Keys
from auditspan.collector.signer.protocol import Begin
from auditspan.collector.signer.state import State
from auditspan.integrity.errors import NoteInvalid
from auditspan.integrity.note import Signer, Verifier, open_note


@dataclass(frozen=True, slots=True)
class Pinned:
    """Where they are, and what they have signed."""

    keys: Keys
    elsewhere: Mapping[str, Signer]
    """Those that are no files here."""
    state: State

    def signer(self, file: str, name: str, type: int) -> Signer:
        """A key, made now if nothing was ever signed. Raises `KeyMismatch`, `KeyInvalid`."""
        signer = self.elsewhere.get(file) or self._of_file(file, name, type)
        if self.state.root_size:
            _check_signed(self.state.root_note, Verifier.parse(signer.vkey))
        return signer

    def _of_file(self, file: str, name: str, type: int) -> Signer:
        if not self.state.root_size:
            return self.keys.ensure(file, name, type)
        try:
            return self.keys.read(file, name, type)
        except FileNotFoundError as error:
            raise KeyMismatch(
                f"{error.filename} is missing: restore it from a backup; another key would not be "
                "the one that auditors trust"
            ) from error


def check_seen(begin: Begin, state: State, origin: str) -> None:
    """Raises `KeyMismatch` if more of the root log was signed than is known here: what would be
    signed from here is another history of the same name."""
    if begin.root_seen > state.root_size:
        raise KeyMismatch(
            f"{begin.folder}: {begin.root_seen} entries of {origin} were signed by "
            f"data/checkpoints/root.note, and {state.root_size} are known here: restore this "
            "folder whole and as it was last; if it is lost, set service.integrity.deployment to "
            "another name and run `auditspan up --recover` (docs/keys.md)"
        )


def _check_signed(note: str, verifier: Verifier) -> None:
    try:
        open_note(note.encode(), [verifier])
    except NoteInvalid as error:
        raise KeyMismatch(
            f"the key {verifier.vkey} has not signed the newest note of the root log: "
            "restore the key that has, or the whole folder of the signing process"
        ) from error
