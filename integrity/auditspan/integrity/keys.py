"""Ed25519 keys in files: PKCS#8 in PEM, mode 0600, with a passphrase or without.

A key elsewhere, in a KMS for example, needs the two members of `note.Signer` and nothing of this.
"""

import os
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)

from auditspan.integrity.errors import KeyInvalid
from auditspan.integrity.note import COSIGNATURE, ED25519, Verifier

_MAX_BYTES: Final = 64 * 1024
_FRAMES: Final = tuple(
    (bool(word), b"-----BEGIN %sPRIVATE KEY-----" % word, b"-----END %sPRIVATE KEY-----" % word)
    for word in (b"", b"ENCRYPTED ")
)


@dataclass(frozen=True, slots=True)
class LocalSigner:
    """A key in this process."""

    name: str
    """Whose it is: the origin of a log, the name of a witness."""
    type: int
    """`ED25519` or `COSIGNATURE`."""
    private: Ed25519PrivateKey = field(repr=False)

    @property
    def verifier(self) -> Verifier:
        """The public key."""
        return Verifier(self.name, self.type, self.private.public_key().public_bytes_raw())

    @property
    def vkey(self) -> str:
        """The public key as trust policies have it."""
        return self.verifier.vkey

    def sign(self, message: bytes) -> bytes:
        """Ed25519 over the message."""
        return self.private.sign(message)


def new_signer(name: str, type: int = ED25519) -> LocalSigner:
    """A key of the system's randomness."""
    return LocalSigner(name, type, Ed25519PrivateKey.generate())


def new_cosigner(name: str) -> LocalSigner:
    """A key that signs with time."""
    return new_signer(name, COSIGNATURE)


def encode_key(private: Ed25519PrivateKey, passphrase: str = "") -> bytes:
    """PKCS#8 in PEM, encrypted if there is a passphrase."""
    encryption: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if passphrase:
        encryption = serialization.BestAvailableEncryption(passphrase.encode())
    return private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption
    )


def decode_key(data: bytes, passphrase: str = "") -> Ed25519PrivateKey:
    """Read `encode_key` back. Raises `KeyInvalid`, which holds neither key nor passphrase."""
    locked = _checked_frame(data)
    if locked and not passphrase:
        raise KeyInvalid("key: it has a passphrase, and none was given: name one, or where it is")
    if passphrase and not locked:
        raise KeyInvalid("key: a passphrase was given, and it has none: give it one, or name none")
    try:
        key = serialization.load_pem_private_key(data, passphrase.encode() or None)
    except (TypeError, ValueError, UnsupportedAlgorithm) as error:
        # The library's own message may say more about the passphrase than a log should.
        cause = "this is not its passphrase, or it is damaged" if locked else "it is damaged"
        raise KeyInvalid(f"key: {cause}: restore it from a backup") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyInvalid(f"key: expected Ed25519, got {type(key).__name__}")
    return key


def _checked_frame(data: bytes) -> bool:
    """Whether the key is encrypted. Raises `KeyInvalid` unless it is one whole PEM block."""
    for locked, begin, end in _FRAMES:
        if data.lstrip().startswith(begin):
            if not data.rstrip().endswith(end):
                raise KeyInvalid(
                    f"key: cut off after {len(data)} bytes, its last line is missing: "
                    "restore it from a backup"
                )
            return locked
    raise KeyInvalid(
        f"key: expected PKCS#8 in PEM, found {len(data)} bytes of something else: "
        "restore it from a backup"
    )


def write_key(path: Path, private: Ed25519PrivateKey, passphrase: str = "") -> None:
    """Put a key into a new file that only its owner reads. Raises `FileExistsError`."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    with os.fdopen(os.open(path, flags, 0o600), "wb") as file:
        file.write(encode_key(private, passphrase))
        file.flush()
        os.fsync(file.fileno())
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def read_key(path: Path, passphrase: str = "") -> Ed25519PrivateKey:
    """Read a key that nobody else can read. Raises `KeyInvalid` with its path, `OSError`."""
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb") as file:
        mode = os.fstat(file.fileno()).st_mode
        if mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise KeyInvalid(f"key {path}: mode {mode & 0o777:o}; run `chmod 600 {path}`")
        data = file.read(_MAX_BYTES)
    try:
        return decode_key(data, passphrase)
    except KeyInvalid as error:
        raise KeyInvalid(f"{path}: {error}") from error


def read_public(path: Path) -> bytes:
    """The raw public key of a PEM file, as key services give it. Raises `KeyInvalid`, `OSError`."""
    with path.open("rb") as file:
        data = file.read(_MAX_BYTES)
    try:
        key = serialization.load_pem_public_key(data)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise KeyInvalid(f"{path}: expected a public key in PEM (BEGIN PUBLIC KEY)") from error
    if not isinstance(key, Ed25519PublicKey):
        raise KeyInvalid(f"{path}: expected an Ed25519 key, got {type(key).__name__}")
    return key.public_bytes_raw()
