"""The life of the engine process: open the store, finish what was left, then segment by segment.

Segments are found by looking into the spool; a message of front only says that it is worth a look
now. At `Finish` what is in the spool is finished, and the process ends; so it does when standard
input ends because front has died, but then nothing more can be signed.
"""

import contextlib
import logging
import os
import queue
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, Final

from auditspan.collector.alone import alone
from auditspan.collector.control.versions import Versions
from auditspan.collector.data_dir import DataDir
from auditspan.collector.engine.attempts import Attempts
from auditspan.collector.engine.config import EngineConfig
from auditspan.collector.engine.cutting import in_order
from auditspan.collector.engine.dead_files import DeadFiles
from auditspan.collector.engine.erasing import Erasing
from auditspan.collector.engine.errors import LogStopped, SignerUnavailable
from auditspan.collector.engine.expiring import Expiring
from auditspan.collector.engine.holding import Holding
from auditspan.collector.engine.joining import joined, resume
from auditspan.collector.engine.messages import (
    Answered,
    BatchFailed,
    BatchStored,
    Finish,
    GaveUp,
    GoOn,
    Message,
    Pause,
    Ready,
    SegmentClosed,
    Start,
    Warned,
    decode,
    encode,
)
from auditspan.collector.engine.moving import Moving
from auditspan.collector.engine.old_batches import OldBatches
from auditspan.collector.engine.pausing import Pauses, Pausing
from auditspan.collector.engine.pipeline import Pipeline
from auditspan.collector.engine.query_server import serve_queries
from auditspan.collector.engine.sealing import Sealing, new_sealing
from auditspan.collector.engine.segments import SEQUENCES, Segments, Stored
from auditspan.collector.engine.signing import Answers, Signer
from auditspan.collector.engine.stopwatch import Stopwatch
from auditspan.collector.engine.suspicion import Suspicion
from auditspan.collector.engine.trial import SCRATCH, tried
from auditspan.collector.engine.waking import Wake
from auditspan.collector.spare_memory import SpareMemory
from auditspan.identity.statement import StatementVerifier
from auditspan.processors.policy_sets import PolicySets
from auditspan.processors.sequences import SequenceState
from auditspan.storage.config import StoreConfig
from auditspan.storage.engine import Engine, open_engine, open_memory
from auditspan.storage.errors import StorageError, StoreError
from auditspan.storage.freezing import thaw
from auditspan.storage.migrations import migrate
from auditspan.wire.segments import closed_segments

LOG = logging.getLogger("auditspan.collector.engine")

_LOOK_SECONDS: Final = 1.0
_LOCK_SECONDS: Final = 0.1
_END_SECONDS: Final = 3.0
_RETRY_SECONDS: Final = (1.0, 2.0, 5.0, 10.0, 30.0)
_LOG_STOPPED: Final = 78
"""EX_CONFIG: an operator has to decide."""
_STORE_DOWN: Final = 75
"""EX_TEMPFAIL: ended with work left, which waits in the spool."""
_REQUESTS_REMEMBERED: Final = 200_000
_RECENT = """
SELECT RequestDigest, PrincipalId, toUnixTimestamp64Nano(max(ReceivedAt))
FROM audit_records WHERE ReceivedAt > now64(9, 'UTC') - INTERVAL 15 MINUTE AND RequestDigest != ''
GROUP BY RequestDigest, PrincipalId ORDER BY 3 DESC LIMIT {limit:UInt32}
"""


def run(start: Start, stdin: BinaryIO, stdout: BinaryIO, warning: str = "") -> int:
    """Work until front says that it is enough, or is gone."""
    spool = DataDir(Path(start.data_dir)).folder("spool")
    # Front was done with these before it began us.
    wake = Wake(path.stem for path in closed_segments(spool))
    answers: Answers = queue.SimpleQueue()
    pauses: Pauses = queue.SimpleQueue()
    watching = threading.Thread(target=_watch, args=(stdin, wake, answers, pauses), daemon=True)
    watching.start()
    send = sender(stdout)
    if warning:
        send(Warned(warning))
    try:
        return _run(start, wake, answers, pauses, send)
    finally:
        # Front closes our input then, and nobody reads from it while the interpreter ends.
        with contextlib.suppress(BrokenPipeError):
            stdout.close()
        watching.join(_END_SECONDS)


def _run(
    start: Start, wake: Wake, answers: Answers, pauses: Pauses, send: Callable[[Message], None]
) -> int:
    config = EngineConfig.model_validate(start.config)
    data = DataDir(Path(start.data_dir))
    if not _alone(data, wake, send):
        return _STORE_DOWN
    _remove_drafts(data)
    store = _open(config.storage, wake, send)
    if store is None:
        return _STORE_DOWN
    decoder = store if store.kind == "embedded" else open_memory()
    segments = _segments(start, config, data, store, decoder)
    try:
        if config.integrity.enabled:
            segments.sealing = _sealing(segments, config, start, Signer(send, answers), wake)
            if segments.sealing is None:
                return _STORE_DOWN
        pausing = Pausing(store, segments.sealing, pauses, send)
        attempts = Attempts.open(data.folder("run"))
        segments.enter = attempts.enter
        suspicion = Suspicion(segments, attempts, lambda segment: tried(start, segment))
        return _serve(suspicion, config, start, wake, pausing)
    except LogStopped as error:
        LOG.error("%s", error)
        send(GaveUp(str(error)))
        return _LOG_STOPPED
    finally:
        store.close()


def _serve(
    suspicion: Suspicion,
    config: EngineConfig,
    start: Start,
    wake: Wake,
    pausing: Pausing,
) -> int:
    segments, data = suspicion.segments, suspicion.segments.data
    sealing = segments.sealing
    want_notes = sealing.notes.want if sealing else lambda: None
    serve_queries(segments.store, config.query, start.socket, want_notes)
    pausing.send(Ready(len(_closed(segments.data)), _recent(segments.store)))
    erasing = Erasing(data, segments.store, segments.sealing is not None, start.instance)
    expiring = Expiring(data, segments.store, start.instance)
    holding = Holding(data.folder("registry"), segments.store, start.instance)
    dead = DeadFiles(segments.data, segments.store)
    cold = config.storage.cold
    moving = Moving(segments.store, cold.after_days if cold else None)
    old, spare = OldBatches(data, config.batch_hold_seconds), SpareMemory()
    for segment in _work(segments, wake):
        stored = _persist(suspicion, segment, wake, pausing.send) if segment else None
        if segment and stored is None:
            return _STORE_DOWN
        asked = stored is not None and stored.may_ask
        pausing.tick()
        _keep_log(segments.sealing)
        holding.tick()
        erasing.tick(asked=asked)
        expiring.tick(asked=asked)
        dead.tick(asked=asked)
        moving.tick()
        old.tick()
        spare.tick(stored.records if stored else 0)
    _keep_log(segments.sealing, last=True)
    return 0


def _sealing(
    segments: Segments, config: EngineConfig, start: Start, signer: Signer, wake: Wake
) -> Sealing | None:
    """The log to go on with, waiting for a signer or a store that is down; None if front ended."""
    attempt = 0
    sealing = new_sealing(
        segments.data.folder("batches"),
        (segments.store, segments.decoder),
        config.integrity,
        start.instance,
        signer,
        segments.pipeline.random,
        segments.watch,
        segments.now_ns,
    )
    while True:
        try:
            sealing.open(sealing.start.begin(recover=start.recover))
            return sealing
        except (StorageError, SignerUnavailable, OSError) as error:
            LOG.error("the log cannot be opened: %s; it is tried again", error)
            delay = _delay(attempt)
            attempt += 1
        if not wake.pause(delay):
            return None


def _keep_log(sealing: Sealing | None, *, last: bool = False) -> None:
    """Do what the log needs besides batches; what fails now is due the next time as well."""
    if sealing is None:
        return
    try:
        if last:
            sealing.notes.flush()
        else:
            sealing.tick()
    except (StorageError, SignerUnavailable, OSError) as error:
        LOG.warning("the log was not signed, or its notes not stored: %s", error)


def sender(stdout: BinaryIO) -> Callable[[Message], None]:
    """Write messages to front; one that is gone is noticed at standard input."""
    lock = threading.Lock()

    def send(message: Message) -> None:
        try:
            with lock:
                stdout.write(encode(message))
                stdout.flush()
        except BrokenPipeError:
            LOG.warning("front is gone, a %s was not told", type(message).__name__)

    return send


def _segments(
    start: Start, config: EngineConfig, data: DataDir, store: Engine, decoder: Engine
) -> Segments:
    watch = Stopwatch()
    pipeline = Pipeline(
        config.processors,
        start.hmac_key,
        StatementVerifier(start.statement_keys),
        PolicySets(config.calendar.calendar()),
        os.urandom,
        watch,
    )
    history = Versions(data.folder("registry")).history()
    return Segments(data, store, decoder, pipeline, history, _sequences(data), watch)


def _open(config: StoreConfig, wake: Wake, send: Callable[[Message], None]) -> Engine | None:
    """The migrated store, waiting for a server that is down.

    None if front ended meanwhile, or for an error that is better tried in a new process.
    """
    attempt = 0
    while True:
        store = None
        try:
            store = open_engine(config)
            migrate(store)
            return store
        except StoreError as error:
            if store is not None:
                store.close()
            delay = _delay(attempt)
            attempt += 1
            LOG.error("the store cannot be opened: %s", error)
            send(Warned(f"the store cannot be opened: {error}; it is tried again"))
            if not error.retryable:
                return None
        if not wake.pause(delay):
            return None


def _alone(data: DataDir, wake: Wake, send: Callable[[Message], None]) -> bool:
    """Wait for an engine of before, which nothing else keeps apart on a server's store."""
    said = False

    def wait() -> bool:
        nonlocal said
        if not said:
            send(Warned("the engine of an earlier start still works on this folder; it ends soon"))
        said = True
        return wake.pause(_LOCK_SECONDS)

    return alone(data.folder("run"), wait)


def _delay(attempt: int) -> float:
    return _RETRY_SECONDS[min(attempt, len(_RETRY_SECONDS) - 1)]


def _remove_drafts(data: DataDir) -> None:
    """What a crash left of files that were being written."""
    for path in data.folder("spool").glob(".salvage-*"):
        shutil.rmtree(path, ignore_errors=True)
    for name in ("batches", "dead"):
        for path in data.folder(name).glob(".*"):
            path.unlink(missing_ok=True)
    for path in data.folder("tmp").glob(f"{SCRATCH}*"):
        shutil.rmtree(path, ignore_errors=True)
    with contextlib.suppress(StoreError):  # of a cold volume, which says so when it is opened
        thaw(data.folder("store"))


def _sequences(data: DataDir) -> SequenceState:
    try:
        return SequenceState.from_json((data.folder("batches") / SEQUENCES).read_text())
    except FileNotFoundError:
        return SequenceState()


def _recent(store: Engine) -> list[list[object]]:
    rows = store.arrow(_RECENT, {"limit": _REQUESTS_REMEMBERED})
    return [list(row) for row in zip(*(c.to_pylist() for c in rows.columns), strict=True)]


def _watch(stdin: BinaryIO, wake: Wake, answers: Answers, pauses: Pauses) -> None:
    """Words for the one who works; messages with content go their own way."""
    for line in stdin:
        message = decode(line)
        if isinstance(message, Answered):
            answers.put(message)
            continue
        if isinstance(message, Pause):
            pauses.put(message)
        elif isinstance(message, GoOn | Finish):
            pauses.put(None)
        if isinstance(message, SegmentClosed):
            wake.closed(message.name)
        else:
            wake.put(going_on=not isinstance(message, Finish))
    pauses.put(None)
    answers.put(None)
    wake.put(going_on=False)


def _closed(data: DataDir) -> list[Path]:
    return in_order(data.folder("spool"))


def _work(segments: Segments, wake: Wake) -> Iterator[Path | None]:
    """Closed segments in order, until input has ended and none is left; None for a pause."""
    while True:
        found = _next(segments, wake)
        if found:
            yield found
        elif wake.ended:
            return
        else:
            yield None
            wake.woken(_LOOK_SECONDS)


def _next(segments: Segments, wake: Wake) -> Path | None:
    """The segment whose turn it is, with small ones behind it."""
    try:
        resume(segments.data.folder("spool"))
        waiting = _closed(segments.data)
        if not waiting:
            return None
        wake.forget(waiting[0].stem)
        return joined(waiting, wake.told, lambda batch_id: not segments.begun(batch_id))
    except OSError as error:
        LOG.error("segments cannot be joined: %s; it is tried again", error.strerror)
        return None


def _persist(
    suspicion: Suspicion,
    segment: Path,
    wake: Wake,
    send: Callable[[Message], None],
) -> Stored | None:
    """Try one segment until it is stored; None if front ended and the last try failed as well."""
    attempt, last = 0, False
    while True:
        try:
            stored = suspicion.process(segment)
        except (StorageError, SignerUnavailable, OSError, MemoryError) as error:
            delay = _delay(attempt)
            attempt += 1
            LOG.error("batch %s: %s; it stays in the spool, next try in %.0f s",
                      segment.stem, error, delay)  # fmt: skip
            permanent = not getattr(type(error), "retryable", True)
            send(BatchFailed(segment.stem, str(error), delay, permanent))
            if last:
                return None
            last = not wake.pause(delay)
            continue
        send(
            BatchStored(
                stored.batch_id,
                stored.records,
                stored.dead_letters,
                stored.controls,
                stored.oldest_received_at,
                suspicion.segments.watch.take(),
            )
        )
        return stored
