"""A Ctrl-C while modules are read comes when they are there."""

import signal
import subprocess
import sys
import threading

import pytest

from auditspan.storage.whole_import import uninterrupted

_INTERRUPTED = """
import signal, sys
from pathlib import Path

class CtrlC:
    def find_spec(self, name, *_):
        if name == "chdb":
            signal.raise_signal(signal.SIGINT)

from auditspan.storage.engine import open_memory
sys.meta_path.insert(0, CtrlC())
try:
    open_memory()
except KeyboardInterrupt:
    print(hasattr(sys.modules.get("auditspan.storage.embedded"), "EmbeddedEngine"))
"""


def test_an_interrupt_comes_at_the_end() -> None:
    """As it would have come, and only once; of an error inside it is what remains."""
    done = []
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt), uninterrupted():
        signal.raise_signal(signal.SIGINT)
        done.append("read")
    with pytest.raises(KeyboardInterrupt), uninterrupted():
        signal.raise_signal(signal.SIGINT)
        raise ImportError
    with uninterrupted():
        done.append("read")
    assert done == ["read", "read"] and signal.getsignal(signal.SIGINT) is before


def test_another_thread_changes_no_handler() -> None:
    """It could not, and interrupts come to the main thread."""
    seen = []

    def read() -> None:
        before = signal.getsignal(signal.SIGINT)
        with uninterrupted():
            seen.append(signal.getsignal(signal.SIGINT) is before)

    thread = threading.Thread(target=read)
    thread.start()
    thread.join()
    assert seen == [True]


def test_the_engine_is_read_as_a_whole() -> None:
    """Half of it would say that it is not installed."""
    ran = subprocess.run(
        [sys.executable, "-c", _INTERRUPTED], capture_output=True, text=True, check=False
    )
    assert (ran.returncode, ran.stdout) == (0, "True\n"), ran.stderr
