"""Signed notes of a root log, as the signing process makes them."""

from pathlib import Path

from auditspan.integrity.checkpoint import Checkpoint
from auditspan.integrity.keys import LocalSigner, new_signer
from auditspan.integrity.merkle import Frontier, leaf_hash
from auditspan.integrity.note import make_note, sign_line

ORIGIN = "example.org/auditspan/test/root"
SIGNER: LocalSigner = new_signer(ORIGIN)


def checkpoint(size: int, word: str = "") -> Checkpoint:
    """A log of so many entries; another word is another log."""
    leaves = [leaf_hash(f"{word}{index}".encode()) for index in range(size)]
    return Checkpoint(ORIGIN, size, Frontier().extended(leaves).root())


def note(size: int, word: str = "", signer: LocalSigner = SIGNER) -> bytes:
    """Its signed note."""
    text = checkpoint(size, word).text
    return make_note(text, [sign_line(text, signer)])


def put(root: Path, data: bytes, name: str = "root") -> None:
    """Where the collector has the newest note, and the key that it is checked with."""
    for folder in ("checkpoints", "public", "anchors"):
        (root / folder).mkdir(exist_ok=True)
    (root / "checkpoints" / f"{name}.note").write_bytes(data)
    (root / "public" / "root.vkey").write_text(SIGNER.vkey + "\n")
