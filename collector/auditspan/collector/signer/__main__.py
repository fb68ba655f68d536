"""Entry of the signing process: read `Begin`, let the kernel confine us, then answer questions.

It reads and writes its own folder only, opens no port, runs no SQL, and cannot be looked into by
other processes of the same user. It ends when front closes its input. Programs that sign with keys
kept elsewhere are run by a process of its own, which is not confined (`programs.py`).
"""

import ctypes
import os
import resource
import signal
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO, Final

from auditspan.collector import log_lines
from auditspan.collector.alone import alone
from auditspan.collector.engine.landlock import confine, system_paths
from auditspan.collector.signer.elsewhere import Programs, signers_of
from auditspan.collector.signer.errors import SignerError, StillRunning
from auditspan.collector.signer.protocol import Answer, Begin, Refused, decode, encode

_PR_SET_DUMPABLE: Final = 4
_LOOK_SECONDS: Final = 0.05
_ALONE_SECONDS: Final = 15.0
"""Less than front waits for our first word."""


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
    programs = Programs.start(begin) if begin.programs else None
    work = Work(begin, programs, sys.stdin.buffer, stdout)
    return work.run(_confine(Path(begin.folder)))


def _confine(folder: Path) -> str:
    # No core dump and no debugger may get at the keys in our memory.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    confined = confine([folder], system_paths(), network=False, hidden=folder.parent)
    return confined.missing.replace("the engine", "the signing process")


@dataclass(frozen=True, slots=True)
class Work:
    """Questions in, answers out."""

    begin: Begin
    programs: Programs | None
    stdin: BinaryIO
    stdout: BinaryIO

    def run(self, warning: str) -> int:
        """Answer until there is no question any more."""
        from auditspan.collector.signer.notary import Notary

        try:
            self._alone()
            elsewhere = signers_of(self.begin, self.programs)
            notary = Notary(self.begin, elsewhere=elsewhere)
        except Exception as error:
            retryable = isinstance(error, SignerError) and error.retryable
            self._say(Refused(f"{type(error).__name__}: {error}", retryable))
            return 1
        self._say(replace(notary.begun(), warning=warning))
        for line in self.stdin:
            question = decode(line)
            try:
                answer = notary.answer(question)  # type: ignore[arg-type]  # Answers are refused.
            except (OSError, SignerError) as error:
                # A full disk, say, or a key service that is down. What is on disk counts: the
                # state is read again.
                notary = Notary(self.begin, elsewhere=elsewhere)
                answer = Refused(f"{error}", retryable=True)
            self._say(answer)
            if self.programs is not None and self.programs.gone:
                return 1
        return 0

    def _alone(self) -> None:
        """Wait for the signing process of an earlier start."""
        until = time.monotonic() + _ALONE_SECONDS

        def wait() -> bool:
            time.sleep(_LOOK_SECONDS)
            return time.monotonic() < until

        if not alone(Path(self.begin.folder), wait):
            raise StillRunning(f"{self.begin.folder}: used by an earlier start: wait, or end that")

    def _say(self, answer: Answer) -> None:
        self.stdout.write(encode(answer))
        self.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
