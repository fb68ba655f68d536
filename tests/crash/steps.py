"""The named steps at which a process is killed, and how each is found in the running code.

A step is a function of the product and a moment: before it, behind it, in the midst of it. In the
forked process the name by which its caller knows it is put in front of the real one; nothing in the
product knows of that. A function that has gone is an error when the process starts, not a step that
never comes.
"""

import asyncio
import functools
import importlib
import os
import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Literal

Strike = Callable[[], None]
"""Counts one arrival; kills this process at the last of them."""
When = Literal["before", "after", "during", "answered", "torn", "insert"]
_ANSWER_SECONDS: Final = 0.01
"""For an answer to leave the process."""


@dataclass(frozen=True)
class Step:
    """One moment in the life of a request or a batch."""

    name: str
    role: str
    """Whose: `front`, `engine` or `signer`."""
    when: When
    where: str
    """`module:attribute` as the caller knows it, below `auditspan.`."""
    longest: float = 0.0
    """Of `during`: seconds from its begin, of which a part is taken."""
    given: str = ""
    """What has to be so for it to come: a name of `_GIVEN`."""


_SEGMENTS: Final = "collector.engine.segments"
_WORKING: Final = "collector.engine.working"
_EXPIRING: Final = "collector.engine.expiring"

STEPS: Final = (
    # A request: its frame, its fsync, its answer, the end of its segment.
    Step("append, torn", "front", "torn", "wire.open_segment:os.pwrite"),
    Step("after append", "front", "after", "wire.open_segment:OpenSegment.append"),
    Step("after fsync", "front", "after", "wire.open_segment:OpenSegment.sync"),
    Step("after ack", "front", "answered", "collector.front.admission:Admission.admit"),
    Step("after recent log", "front", "after", "collector.front.recent_log:RecentLog.append"),
    Step("before segment closed", "front", "before", "wire.open_segment:OpenSegment.finish"),
    Step("after segment closed", "front", "after", "wire.open_segment:OpenSegment.finish"),
    Step("in recovery", "front", "after", "wire.segments:_cut"),
    # Small segments become one.
    Step("before joined", "engine", "after", "collector.engine.joining:_write"),
    Step("after joined", "engine", "before", "collector.engine.joining:resume"),
    # A batch: what becomes of it until it is on disk with its seal.
    Step("during decode", "engine", "during", f"{_WORKING}:decode_salvaging", 0.15),
    Step("after decode", "engine", "after", f"{_WORKING}:decode_salvaging"),
    Step("after batch file", "engine", "after", "collector.engine.sealing:write_batch"),
    Step("before sealed file", "engine", "before", "collector.engine.sealing:write_seal"),
    Step("after sealed file", "engine", "after", "collector.engine.sealing:write_seal"),
    # Cut before that, because it is too large.
    Step("cut: a part", "engine", "after", "collector.engine.cutting:write_synced", given="small"),
    Step("cut: parts", "engine", "before", "collector.engine.cutting:sync_folder", given="small"),
    Step("cut: replaced", "engine", "after", "collector.engine.cutting:replace_by", given="small"),
    # Taken apart, because a process ended at it.
    Step(
        "apart: rows gone",
        "engine",
        "after",
        "collector.engine.undoing:delete_unfinished",
        given="suspicious",
    ),
    Step(
        "apart: taken back",
        "engine",
        "after",
        "collector.engine.suspicion:undo",
        given="suspicious",
    ),
    Step(
        "apart: a part",
        "engine",
        "after",
        "collector.engine.cutting:write_synced",
        given="suspicious",
    ),
    Step(
        "apart: parts", "engine", "after", "collector.engine.suspicion:bisect", given="suspicious"
    ),
    # Into the store.
    Step("before insert", "engine", "insert", "before"),
    Step("during insert", "engine", "insert", "during", 0.03),
    Step("after insert", "engine", "insert", "after"),
    Step("after entries", "engine", "after", "storage.writer:put_entries"),
    # Signed.
    Step("before signature", "engine", "before", "collector.engine.signing:Signer.sign"),
    Step("after signature", "engine", "after", "collector.engine.signing:Signer.sign"),
    Step("after log state", "engine", "after", "collector.engine.sealing:write_log"),
    # Released.
    Step("before release", "engine", "after", f"{_SEGMENTS}:Segments._adopt_sequences"),
    Step("during release", "engine", "before", f"{_SEGMENTS}:sync_folder"),
    Step("after release", "engine", "after", f"{_SEGMENTS}:Segments.process"),
    Step("after notes", "engine", "after", "collector.engine.notes:put_checkpoints"),
    # In the signing process.
    Step("signer: remembered", "signer", "after", "collector.signer.notary:write_state"),
    Step("signer: before key", "signer", "before", "collector.signer.keys:Keys.read"),
    Step("signer: root log", "signer", "after", "collector.signer.root_files:RootFiles.append"),
    Step("signer: signed", "signer", "after", "collector.signer.notary:Notary.sign"),
)
FIRST: Final = (
    # Once in the life of a store or a log.
    Step("during migration", "engine", "during", "collector.engine.opening:migrate", 1.5),
    Step("signer: log opened", "signer", "after", "collector.signer.notary:Notary.open"),
    Step("after log opened", "engine", "after", "collector.engine.signing:Signer.open"),
)
RARE: Final = (
    # Asked for by somebody: `test_rare_steps.py` has them come.
    Step("expiring: before", "engine", "before", f"{_EXPIRING}:Expiring._kept"),
    Step("expiring: during", "engine", "during", f"{_EXPIRING}:Expiring._delete", 0.01),
    Step("expiring: rows gone", "engine", "after", f"{_EXPIRING}:Expiring._delete"),
    Step("expiring: files", "engine", "after", f"{_EXPIRING}:Expiring._clear_files"),
    Step("expiring: certified", "engine", "before", f"{_EXPIRING}:certify"),
    Step("moving: during", "engine", "during", "collector.engine.moving:Moving.run", 0.01),
    Step("moving: asked", "engine", "after", "collector.engine.moving:Moving.run"),
    Step("retry: worked on", "engine", "after", "collector.engine.retrying:Retrying.retry"),
    Step("retry: marked", "engine", "before", "collector.engine.sealing:write_seal"),
    Step("retry: stored", "engine", "before", f"{_SEGMENTS}:Segments._adopt_sequences"),
    Step("retry: file", "engine", "before", "collector.letters:remove"),
)
BY_NAME: Final = {step.name: step for step in (*STEPS, *FIRST, *RARE)}
ROLE_OF: Final = {name: step.role for name, step in BY_NAME.items()}


def arm(step: Step, strike: Strike, part: float) -> None:
    """Put the kill in the way; `part` of the longest time, 0 to 1, is waited in a `during`."""
    _GIVEN[step.given]()
    if step.when == "insert":
        _arm_insert(step, strike, part)
        return
    owner, name = _owner(step.where)
    original = getattr(owner, name)
    wrapped = _WRAPPERS[step.when](original, strike, step.longest * part)
    setattr(owner, name, functools.wraps(original)(wrapped))


def _owner(where: str) -> tuple[Any, str]:
    module, _, path = where.partition(":")
    *owners, name = path.split(".")
    owner: Any = importlib.import_module(f"auditspan.{module}")
    for each in owners:
        owner = getattr(owner, each)
    return owner, name


def _before(original: Any, strike: Strike, _: float) -> Any:
    def wrapped(*arguments: Any, **named: Any) -> Any:
        strike()
        return original(*arguments, **named)

    return wrapped


def _after(original: Any, strike: Strike, _: float) -> Any:
    def wrapped(*arguments: Any, **named: Any) -> Any:
        result = original(*arguments, **named)
        strike()
        return result

    return wrapped


def _during(original: Any, strike: Strike, seconds: float) -> Any:
    def wrapped(*arguments: Any, **named: Any) -> Any:
        # The work goes on in the engine's threads while this one waits to kill them all.
        timer = threading.Timer(seconds, strike)
        timer.start()
        try:
            return original(*arguments, **named)
        finally:
            timer.cancel()

    return wrapped


def _answered(original: Any, strike: Strike, _: float) -> Any:
    async def wrapped(*arguments: Any, **named: Any) -> Any:
        result = await original(*arguments, **named)
        asyncio.get_running_loop().call_later(_ANSWER_SECONDS, strike)
        return result

    return wrapped


def _torn(original: Any, strike: Strike, _: float) -> Any:
    def wrapped(descriptor: int, data: Any, offset: int) -> int:
        half = bytes(data)[: len(data) // 2]
        written: int = original(descriptor, half, offset)
        strike()
        return written

    return wrapped


def _small() -> None:
    """A batch of this campaign is too large."""
    cut, _ = _owner("collector.engine.cutting:cut")
    cut.cut.__defaults__ = ((40, 1 << 20), 10_000)


def _suspicious() -> None:
    """One death is enough, and nobody is tried: what is suspected is always innocent."""
    suspicion, _ = _owner("collector.engine.suspicion:GUILTY")
    suspicion.GUILTY = 1
    process, _ = _owner("collector.engine.process:tried")
    fine = importlib.import_module("auditspan.collector.engine.trial").Outcome(False, "fine")
    process.tried = lambda *_: fine


_GIVEN: Final[dict[str, Callable[[], None]]] = {
    "": lambda: None,
    "small": _small,
    "suspicious": _suspicious,
}
_WRAPPERS: Final[dict[str, Callable[[Any, Strike, float], Any]]] = {
    "before": _before,
    "after": _after,
    "during": _during,
    "answered": _answered,
    "torn": _torn,
}


def _arm_insert(step: Step, strike: Strike, part: float) -> None:
    """Inserts of records go through a store that is opened later, so its opening is in the way."""
    owner, name = _owner("collector.engine.opening:open_engine")
    opened = getattr(owner, name)

    def opening(config: Any) -> Any:
        store = opened(config)
        insert = store.insert
        struck = _WRAPPERS[step.where](insert, strike, step.longest * part)

        def inserting(table: str, rows: Any, query_id: str = "") -> None:
            records = table.rpartition(".")[2].strip("`") == "audit_records"
            (struck if records else insert)(table, rows, query_id)

        store.insert = inserting
        return store

    setattr(owner, name, opening)


def killer(tell: Callable[[], None], hit: int) -> Strike:
    """A strike that comes true at the `hit`-th arrival: it tells of it and is no more."""
    left = [hit]

    def strike() -> None:
        left[0] -= 1
        if left[0] == 0:
            tell()
            os.kill(os.getpid(), signal.SIGKILL)

    return strike
