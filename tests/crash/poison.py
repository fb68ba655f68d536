"""A span that ends every process that decodes it, as a fault of a library would.

Like the kills of `steps.py` it is put in the way of a forked process, here of every engine of a
family, and of the process in which an engine tries a suspect: that one is started from the disk, so
the poison comes with its command. `faults` of a collector holds `poison:<hex of the span's id>`.
"""

import functools
import importlib
import os
import signal
import sys
from typing import Any, Final

_FAULT: Final = "poison:"
_TRIAL: Final = (
    "import os\n"
    "from auditspan.collector.engine import trial, working\n"
    "real = working.decode_salvaging\n"
    "def decode(engine, segment, *given):\n"
    "    if bytes.fromhex('{marker}') in segment.read_bytes():\n"
    "        os.kill(os.getpid(), 9)\n"
    "    return real(engine, segment, *given)\n"
    "working.decode_salvaging = decode\n"
    "trial.main()\n"
)


def fault(span: int) -> str:
    """For `faults` of a collector."""
    return f"{_FAULT}{span.to_bytes(8).hex()}"


def arm(faults: list[str], role: str) -> None:
    """In the process."""
    markers = [each.removeprefix(_FAULT) for each in faults if each.startswith(_FAULT)]
    if role != "engine" or not markers:
        return
    trial = importlib.import_module("auditspan.collector.engine.trial")
    working = importlib.import_module("auditspan.collector.engine.working")
    (marker,) = markers
    real = working.decode_salvaging

    @functools.wraps(real)
    def decode(engine: Any, segment: Any, *given: Any) -> Any:
        if bytes.fromhex(marker) in segment.read_bytes():
            os.kill(os.getpid(), signal.SIGKILL)
        return real(engine, segment, *given)

    setattr(working, "decode_salvaging", decode)  # noqa: B010 (a module of ours, seen as any)
    text = _TRIAL.format(marker=marker)
    setattr(trial, "command", lambda: [sys.executable, "-P", "-c", text])  # noqa: B010
