"""Parts of a log that are recomputed at the same time, when that ends early."""

import threading
from collections.abc import Mapping

import pyarrow as pa
import pytest

from auditspan.reports.verification.asking import silent
from auditspan.reports.verification.bodies import Said
from auditspan.reports.verification.records import Records
from auditspan.storage.values import Value

_COUNTS = {"Records": 10_000, "Indices": 10_000, "Sealed": 10_000, "Erased": 0, "Overdue": 0}


class Store:
    """Answers for the first part of a log, and for the second when it is told to."""

    def __init__(self) -> None:
        self.asked, self.answer = threading.Event(), threading.Event()
        self.running = 0

    def ask(self, name: str, params: Mapping[str, Value]) -> pa.Table:
        """Everything is as it was sealed."""
        if params["first"]:
            self.running += 1
            self.asked.set()
            self.answer.wait(20)
            self.running -= 1
        return pa.Table.from_pylist([_COUNTS] if name == "counts" else [])


def _checked(store: Store, error: BaseException) -> None:
    """Records of two parts; while the second is asked for, an error comes behind the first."""

    def progress(what: str, done: int, of: int) -> None:
        store.asked.wait(20)
        raise error

    records = Records(store.ask, "log", Said(), lambda: 0.0, at_once=2)
    records.check(0, 20_000, progress)


def test_whoever_interrupts_waits_for_no_answer() -> None:
    """Neither of a running question, nor does another begin."""
    store = Store()
    with pytest.raises(KeyboardInterrupt):
        _checked(store, KeyboardInterrupt())
    assert store.running == 1
    store.answer.set()


def test_after_an_error_no_question_runs() -> None:
    """Whoever gets it may close the store, as long as it is kept, too."""
    store = Store()
    threading.Timer(0.5, store.answer.set).start()
    with pytest.raises(OSError, match="full"):
        _checked(store, OSError("full"))
    assert store.running == 0


def test_all_parts_are_recomputed() -> None:
    """If nothing comes between."""
    store = Store()
    store.answer.set()
    records = Records(store.ask, "log", Said(), lambda: 0.0, at_once=2)
    records.check(0, 20_000, silent)
    assert records.states["present-ok"] == 20_000 and not records.problems
