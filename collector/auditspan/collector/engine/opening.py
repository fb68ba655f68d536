"""What the engine needs before it can work: a folder to itself, the store, the log.

Each is waited for while that helps, and no longer than front lives; segments wait in the spool
meanwhile.
"""

import logging
from collections.abc import Callable
from typing import Final

from auditspan.collector.alone import alone
from auditspan.collector.control.versions import Versions
from auditspan.collector.data_dir import DataDir
from auditspan.collector.engine.backoff import backoff
from auditspan.collector.engine.config import EngineConfig
from auditspan.collector.engine.errors import SignerUnavailable
from auditspan.collector.engine.messages import Message, Start, Warned
from auditspan.collector.engine.pipeline import Pipeline
from auditspan.collector.engine.sealing import Sealing, new_sealing
from auditspan.collector.engine.segments import SEQUENCES, Segments
from auditspan.collector.engine.signing import Signer
from auditspan.collector.engine.stopwatch import Stopwatch
from auditspan.collector.engine.waking import Wake
from auditspan.processors.sequences import SequenceState
from auditspan.storage.config import StoreConfig
from auditspan.storage.engine import Engine, open_engine
from auditspan.storage.errors import StorageError, StoreError
from auditspan.storage.migrations import migrate

LOG = logging.getLogger("auditspan.collector.engine")

_LOCK_SECONDS: Final = 0.1


def wait_until_alone(data: DataDir, wake: Wake, send: Callable[[Message], None]) -> bool:
    """Wait for an engine of before, which nothing else keeps apart on a server's store."""
    said = False

    def wait() -> bool:
        nonlocal said
        if not said:
            send(Warned("the engine of an earlier start still works on this folder; it ends soon"))
        said = True
        return wake.pause(_LOCK_SECONDS)

    return alone(data.folder("run"), wait)


def open_store(config: StoreConfig, wake: Wake, send: Callable[[Message], None]) -> Engine | None:
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
            delay = backoff(attempt)
            attempt += 1
            LOG.error("the store cannot be opened: %s", error)
            send(Warned(f"the store cannot be opened: {error}; it is tried again"))
            if not error.retryable:
                return None
        if not wake.pause(delay):
            return None


def new_segments(
    start: Start, config: EngineConfig, data: DataDir, store: Engine, decoder: Engine
) -> Segments:
    """What processes segments, as far as the last process had come; without a log yet."""
    watch = Stopwatch()
    pipeline = Pipeline.of(config, start.hmac_key, start.statement_keys, watch)
    history = Versions(data.folder("registry")).history()
    return Segments(data, store, decoder, pipeline, history, _sequences(data), watch)


def open_log(
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
            delay = backoff(attempt)
            attempt += 1
        if not wake.pause(delay):
            return None


def _sequences(data: DataDir) -> SequenceState:
    try:
        return SequenceState.from_json((data.folder("batches") / SEQUENCES).read_text())
    except FileNotFoundError:
        return SequenceState()
