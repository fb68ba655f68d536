"""Signed notes: text with lines of signatures (https://c2sp.org/signed-note).

Parsing is strict: what it returns encodes to the same bytes. A text may be used only after
`open_note`, which verifies it.
"""

import base64
import binascii
import hashlib
import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from auditspan.integrity.errors import KeyInvalid, NoteInvalid

ED25519: Final = 0x01
"""Type of a key that signs the text."""
COSIGNATURE: Final = 0x04
"""Type of a key that signs the text with a time (https://c2sp.org/tlog-cosignature)."""
MAX_BYTES: Final = 1_000_000
MAX_SIGNATURES: Final = 100

_KEY_BYTES, _SIGNATURE_BYTES, _ID_BYTES = 32, 64, 4
_DASH = "— "
_MAX_TIME: Final = 2**63


@dataclass(frozen=True, slots=True)
class Verifier:
    """A public key with its name."""

    name: str
    """Of whoever signs with it."""
    type: int
    """`ED25519` or `COSIGNATURE`."""
    public: bytes
    """The raw key, 32 bytes."""

    def __post_init__(self) -> None:
        _checked_name(self.name)
        if self.type not in (ED25519, COSIGNATURE) or len(self.public) != _KEY_BYTES:
            raise KeyInvalid(
                f"key {self.name}: expected an Ed25519 key of type 1 or 4, got type {self.type} "
                f"and {len(self.public)} bytes"
            )

    @classmethod
    def parse(cls, vkey: str) -> "Verifier":
        """From `name+id+key`. Raises `KeyInvalid`."""
        name, _, rest = vkey.partition("+")
        digits, _, encoded = rest.partition("+")
        try:
            data = decode_base64(encoded)
        except NoteInvalid as error:
            raise KeyInvalid(f"key {name[:80]!r}: its last part is no base64") from error
        if not re.fullmatch("[0-9a-f]{8}", digits) or not data:
            raise KeyInvalid(f"key {name[:80]!r}: expected name+8 hex digits+base64")
        made = cls(name, data[0], data[1:])
        if made.key_id.hex() != digits:
            raise KeyInvalid(
                f"key {name}: its id is {made.key_id.hex()}, but {digits} stands there"
            )
        return made

    @property
    def key_id(self) -> bytes:
        """Four bytes that go before each signature."""
        named = self.name.encode() + b"\n" + bytes([self.type]) + self.public
        return hashlib.sha256(named).digest()[:_ID_BYTES]

    @property
    def vkey(self) -> str:
        """`name+id+key`, as trust policies have it."""
        return f"{self.name}+{self.key_id.hex()}+{_base64(bytes([self.type]) + self.public)}"

    def verify(self, text: bytes, signature: bytes) -> int:
        """The time that a cosignature states, 0 for another. Raises `NoteInvalid`."""
        seconds, message, raw = 0, text, signature
        if self.type == COSIGNATURE:
            if len(signature) < 8:
                raise NoteInvalid(f"cosignature of {self.name}: too short")
            (seconds,), raw = struct.unpack(">Q", signature[:8]), signature[8:]
            message = cosigned(text, seconds)
        if len(raw) != _SIGNATURE_BYTES or not 0 <= seconds < _MAX_TIME:
            raise NoteInvalid(f"signature of {self.name}: malformed")
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(raw, message)
        except InvalidSignature as error:
            raise NoteInvalid(f"signature of {self.name} does not verify") from error
        return seconds


class Signer(Protocol):
    """A private key, wherever it is kept: a file, a service, a token."""

    @property
    def vkey(self) -> str:
        """The public key as trust policies have it."""

    def sign(self, message: bytes) -> bytes:
        """Ed25519 over the message as it is, 64 bytes."""


@dataclass(frozen=True, slots=True)
class Signature:
    """One line of signature."""

    name: str
    """Of the key."""
    key_id: bytes
    """Four bytes."""
    data: bytes
    """What the type of the key says."""

    def line(self) -> str:
        """As it stands in a note."""
        return f"{_DASH}{self.name} {_base64(self.key_id + self.data)}\n"


@dataclass(frozen=True, slots=True)
class Note:
    """A note whose signatures nobody has verified."""

    text: str
    """Ends in a line feed."""
    signatures: tuple[Signature, ...]

    def encode(self) -> bytes:
        """The bytes that it was parsed from."""
        return f"{self.text}\n{''.join(s.line() for s in self.signatures)}".encode()


@dataclass(frozen=True, slots=True)
class Verified:
    """A signature that verifies."""

    verifier: Verifier
    seconds: int
    """Unix time of a cosignature, else 0."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A note that somebody known has signed."""

    text: str
    verified: tuple[Verified, ...]
    """At least one, in the order of the note."""


def cosigned(text: bytes, seconds: int) -> bytes:
    """What a cosignature signs."""
    return b"cosignature/v1\ntime %d\n%b" % (seconds, text)


def sign_line(text: str, signer: Signer, seconds: int = 0) -> Signature:
    """A signature of a note's text; `seconds` is the time that a cosignature states."""
    verifier = Verifier.parse(signer.vkey)
    if verifier.type == ED25519:
        return Signature(verifier.name, verifier.key_id, signer.sign(text.encode()))
    signed = signer.sign(cosigned(text.encode(), seconds))
    return Signature(verifier.name, verifier.key_id, struct.pack(">Q", seconds) + signed)


def make_note(text: str, signatures: Sequence[Signature]) -> bytes:
    """A note. Raises `NoteInvalid` if none can be made of it."""
    made = Note(text, tuple(signatures)).encode()
    parse_note(made)
    return made


def parse_note(data: bytes) -> Note:
    """Text and signatures, not verified. Raises `NoteInvalid`."""
    if len(data) > MAX_BYTES:
        raise NoteInvalid(f"note of {len(data)} bytes, expected at most {MAX_BYTES}")
    try:
        whole = data.decode()
    except UnicodeDecodeError as error:
        raise NoteInvalid(f"note is no UTF-8 at byte {error.start}") from error
    if re.search(r"[\x00-\x09\x0b-\x1f]", whole):
        raise NoteInvalid("note has a control character")
    text, blank, rest = whole.rpartition("\n\n")
    if not blank or not text or not rest.endswith("\n"):
        raise NoteInvalid("note: expected text, an empty line, and lines of signatures")
    lines = rest[:-1].split("\n")
    if len(lines) > MAX_SIGNATURES:
        raise NoteInvalid(f"note has {len(lines)} signatures, expected at most {MAX_SIGNATURES}")
    return Note(f"{text}\n", tuple(_signature(line) for line in lines))


def open_note(data: bytes, verifiers: Sequence[Verifier]) -> Opened:
    """The text of a note, and which of these keys signed it.

    Raises `NoteInvalid` if none did, or if a signature that names one of them does not verify.
    """
    note, verified = parse_note(data), []
    known = {(verifier.name, verifier.key_id): verifier for verifier in verifiers}
    for signature in note.signatures:
        verifier = known.get((signature.name, signature.key_id))
        if verifier:
            seconds = verifier.verify(note.text.encode(), signature.data)
            verified.append(Verified(verifier, seconds))
    if not verified:
        names = ", ".join(sorted({signature.name[:80] for signature in note.signatures}))
        raise NoteInvalid(f"note is signed by no key that is trusted, but by {names}")
    return Opened(note.text, tuple(verified))


def decode_base64(text: str) -> bytes:
    """Standard base64 (RFC 4648 §4) in its only spelling. Raises `NoteInvalid`."""
    try:
        data = base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, ValueError) as error:
        raise NoteInvalid("malformed base64") from error
    if _base64(data) != text:
        raise NoteInvalid("base64 in a spelling that is not its own")
    return data


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _signature(line: str) -> Signature:
    name, _, encoded = line.removeprefix(_DASH).partition(" ")
    if not line.startswith(_DASH) or not name or not encoded:
        raise NoteInvalid("signature line: expected em dash, name and base64")
    try:
        _checked_name(name)
    except KeyInvalid as error:
        raise NoteInvalid(str(error)) from error
    data = decode_base64(encoded)
    if len(data) <= _ID_BYTES:
        raise NoteInvalid(f"signature of {name[:80]}: too short")
    return Signature(name, data[:_ID_BYTES], data[_ID_BYTES:])


def _checked_name(name: str) -> str:
    if not name or "+" in name or any(c.isspace() or c < " " for c in name):
        raise KeyInvalid(f"name of key {name[:80]!r}: expected neither spaces nor plus signs")
    return name
