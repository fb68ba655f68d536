"""A key service for tests: a real program that signs, and ways in which it does not."""

import sys
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from auditspan.integrity.keys import decode_key, encode_key, new_signer

PROGRAM = """
import base64, os, pathlib, sys, time
from cryptography.hazmat.primitives.serialization import load_pem_private_key
folder = pathlib.Path(__file__).parent
mood = (folder / "mood").read_text()
with (folder / "calls").open("a") as calls:
    calls.write(os.environ.get("KMS_PROFILE", "-") + "\\n")
if mood == "down":
    sys.exit("cannot reach the key service")
if mood == "slow":
    time.sleep(60)
message = sys.stdin.buffer.read()
signature = load_pem_private_key((folder / "kept.pem").read_bytes(), None).sign(message)
if mood == "short":
    signature = signature[:-1]
if mood == "base64":
    print(base64.b64encode(signature).decode())
else:
    sys.stdout.buffer.write(signature)
"""


@dataclass(frozen=True)
class KeyService:
    """A folder with a private key, a program that signs with it, and the public key."""

    folder: Path

    @classmethod
    def made(cls, folder: Path) -> "KeyService":
        """With a new key, in good mood."""
        folder.mkdir()
        service = cls(folder)
        (folder / "sign.py").write_text(PROGRAM)
        service.feels("well")
        service.keeps(new_signer("kept").private)
        public = service.private.public_key()
        service.public.write_bytes(
            public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        )
        return service

    @property
    def public(self) -> Path:
        """The public key in PEM."""
        return self.folder / "public.pem"

    @property
    def command(self) -> tuple[str, ...]:
        """What signs."""
        return (sys.executable, str(self.folder / "sign.py"))

    @property
    def private(self) -> Ed25519PrivateKey:
        """The key."""
        return decode_key((self.folder / "kept.pem").read_bytes())

    @property
    def calls(self) -> list[str]:
        """What the program found in `KMS_PROFILE`, once for each call."""
        return (self.folder / "calls").read_text().split()

    def feels(self, mood: str) -> None:
        """`well`, `base64`, `down`, `slow` or `short`."""
        (self.folder / "mood").write_text(mood)

    def keeps(self, private: Ed25519PrivateKey) -> None:
        """From now on it signs with this."""
        (self.folder / "kept.pem").write_bytes(encode_key(private))
