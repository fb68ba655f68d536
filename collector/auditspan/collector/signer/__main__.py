"""Entry of the signing process: read `Begin`, let the kernel confine us, then answer questions.

It reads and writes its own folder only, opens no port, runs no SQL, and cannot be looked into by
other processes of the same user. It ends when front closes its input.
"""

import ctypes
import os
import resource
import signal
import sys
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO, Final

from auditspan.collector import log_lines
from auditspan.collector.engine.landlock import confine, system_paths
from auditspan.collector.signer.protocol import Answer, Begin, Begun, Refused, decode, encode

_PR_SET_DUMPABLE: Final = 4


def main() -> int:
    """Run until front closes our standard input."""
    log_lines.configure("info")
    os.umask(0o077)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    stdout = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    begin = decode(sys.stdin.buffer.readline())
    if not isinstance(begin, Begin):
        raise ValueError(f"expected Begin first, got {type(begin).__name__}")
    return _work(begin, _confine(Path(begin.folder)), sys.stdin.buffer, stdout)


def _confine(folder: Path) -> str:
    # No core dump and no debugger may get at the keys in our memory.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    confined = confine([folder], system_paths(), network=False, hidden=folder.parent)
    return confined.missing.replace("the engine", "the signing process")


def _work(begin: Begin, warning: str, stdin: BinaryIO, stdout: BinaryIO) -> int:
    from auditspan.collector.signer.notary import Notary

    try:
        notary = Notary(begin)
    except Exception as error:
        _say(stdout, Refused(f"{type(error).__name__}: {error}", retryable=False))
        return 1
    begun: Begun = notary.begun()
    _say(stdout, replace(begun, warning=warning))
    for line in stdin:
        question = decode(line)
        try:
            answer = notary.answer(question)  # type: ignore[arg-type]  # Answers are refused.
        except OSError as error:
            # A full disk, say. What is on disk counts: the state is read again.
            notary = Notary(begin)
            answer = Refused(f"{error}", retryable=True)
        _say(stdout, answer)
    return 0


def _say(stdout: BinaryIO, answer: Answer) -> None:
    stdout.write(encode(answer))
    stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
