"""Keys that are kept elsewhere: in a key service (KMS), a token, an HSM. A program signs with them.

Whatever a program gives is verified by the public key of the configuration before it is used: at
the start, where another key is refused for good, and at each signature, where it is tried again.
"""

import base64
import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from auditspan.collector.signer.errors import KeyMismatch, KeyUnavailable
from auditspan.collector.signer.protocol import Begin, encode
from auditspan.integrity.errors import NoteInvalid
from auditspan.integrity.note import ED25519, Verifier

_CHECK: Final = b"auditspan/key-check/v1\n"
"""Signed at the start. No note and no cosignature begins like this."""


@dataclass(slots=True)
class Programs:
    """The process that runs the programs."""

    process: "subprocess.Popen[bytes]" = field(repr=False)

    @classmethod
    def start(cls, begin: Begin) -> "Programs":
        """Start it, while this process may still start anything."""
        module = "auditspan.collector.signer.programs"
        process = subprocess.Popen(  # noqa: S603 (no shell)
            [sys.executable, "-P", "-m", module], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        programs = cls(process)
        programs._write(encode(Begin("", "", "", programs=begin.programs)))
        return programs

    @property
    def gone(self) -> bool:
        """Whether nothing can be signed any more."""
        return self.process.poll() is not None

    def sign(self, key: str, message: bytes) -> bytes:
        """What a program gives, unverified. Raises `KeyUnavailable`."""
        text = base64.b64encode(message).decode()
        self._write(json.dumps({"key": key, "message": text}).encode() + b"\n")
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            self.process.wait()
            raise KeyUnavailable("the process that runs the programs that sign has ended")
        answer = json.loads(line)
        if "error" in answer:
            raise KeyUnavailable(str(answer["error"]))
        return base64.b64decode(answer["signature"])

    def stop(self) -> None:
        """End it."""
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()

    def _write(self, data: bytes) -> None:
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(data)
            self.process.stdin.flush()
        except OSError as error:
            self.process.wait()
            raise KeyUnavailable(f"no program can be run: {error.strerror}") from error


@dataclass(frozen=True, slots=True)
class ProgramSigner:
    """A key of which only the public half is here."""

    key: str
    """`root` or `notary`."""
    verifier: Verifier
    programs: Programs

    @property
    def vkey(self) -> str:
        """The public key as trust policies have it."""
        return self.verifier.vkey

    def sign(self, message: bytes) -> bytes:
        """Ed25519 over the message. Raises `KeyUnavailable`, also if it is another key's."""
        signature = self.programs.sign(self.key, message)
        try:
            # The message of a cosignature holds its time already.
            Verifier(self.verifier.name, ED25519, self.verifier.public).verify(message, signature)
        except NoteInvalid as error:
            raise KeyUnavailable(
                f"the program of the key {self.key} signed with another key than {self.vkey}"
            ) from error
        return signature


def signers_of(begin: Begin, programs: Programs | None) -> Mapping[str, ProgramSigner]:
    """The keys that are kept elsewhere, each tried once. Raises `SignerError`."""
    if programs is None:
        return {}
    signers = {
        program.key: ProgramSigner(program.key, Verifier.parse(program.vkey), programs)
        for program in begin.programs
    }
    for signer in signers.values():
        _check(signer)
    return signers


def _check(signer: ProgramSigner) -> None:
    signature = signer.programs.sign(signer.key, _CHECK)
    public = Verifier(signer.verifier.name, ED25519, signer.verifier.public)
    try:
        public.verify(_CHECK, signature)
    except NoteInvalid as error:
        raise KeyMismatch(
            f"the program of the key {signer.key} signs with another key than {signer.vkey}: "
            "name the program or the public key that belong together"
        ) from error
