"""Runs the programs that sign, in a process beside the signing process.

The signing process has shut itself off from network and files, which a program that asks a key
service needs. So this process is started before, knows nothing but the programs, and holds no key.
One line of JSON in is a request, one line out its answer; it ends when its input ends.
"""

import base64
import binascii
import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from typing import Any, BinaryIO, Final

from auditspan.collector.signer.protocol import Begin, Program, decode

SIGNATURE_BYTES: Final = 64
_SAID: Final = 200
"""Characters of what a program says that are passed on."""


def main() -> int:
    """Answer until our input ends."""
    stdin, stdout = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    begin = decode(stdin.readline())
    assert isinstance(begin, Begin)
    _answer({program.key: program for program in begin.programs}, stdin, stdout)
    return 0


def _answer(programs: Mapping[str, Program], stdin: BinaryIO, stdout: BinaryIO) -> None:
    for line in stdin:
        asked = json.loads(line)
        message = base64.b64decode(asked["message"])
        stdout.write(json.dumps(_signed(programs[asked["key"]], message)).encode() + b"\n")
        stdout.flush()


def _signed(program: Program, message: bytes) -> dict[str, Any]:
    try:
        return {"signature": base64.b64encode(run(program, message)).decode()}
    except (OSError, ValueError) as error:
        return {"error": f"the program {program.arguments[0]} {error}"}


def run(program: Program, message: bytes) -> bytes:
    """The signature of a program. Raises `ValueError` if it gives none, `OSError`."""
    process = subprocess.Popen(  # noqa: S603 (no shell)
        list(program.arguments),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=dict(program.environment),
        start_new_session=True,
    )
    try:
        out, said = process.communicate(message, program.seconds)
    except subprocess.TimeoutExpired as error:
        raise ValueError(f"did not sign within {program.seconds:g} s") from error
    finally:
        # Whatever it has started ends with it.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    if process.returncode:
        raise ValueError(f"ended with code {process.returncode}{_said(said)}")
    return _signature(out)


def _signature(out: bytes) -> bytes:
    """64 bytes, or the base64 of them, as most key services print it."""
    if len(out) == SIGNATURE_BYTES:
        return out
    try:
        signature = base64.b64decode(out.strip(), validate=True)
    except binascii.Error:
        signature = b""
    if len(signature) != SIGNATURE_BYTES:
        raise ValueError(
            f"gave {len(out)} bytes, expected a signature of {SIGNATURE_BYTES} or its base64"
        )
    return signature


def _said(stderr: bytes) -> str:
    lines = stderr.decode(errors="replace").strip().splitlines()
    return f" and said {lines[-1][:_SAID]!r}" if lines else ""


if __name__ == "__main__":
    sys.exit(main())
