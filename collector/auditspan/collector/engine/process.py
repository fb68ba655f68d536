"""The life of the engine process: open the store, finish what was left, then segment by segment.

At `Finish` what is in the spool is finished, and the process ends; so it does when standard input
ends because front has died, but then nothing more can be signed.
"""

import contextlib
import gc
import logging
import queue
import threading
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, Final

from auditspan.collector.data_dir import DataDir
from auditspan.collector.engine.attempts import Attempts
from auditspan.collector.engine.config import EngineConfig
from auditspan.collector.engine.cutting import in_order
from auditspan.collector.engine.drafts import remove_drafts
from auditspan.collector.engine.errors import LogStopped
from auditspan.collector.engine.front_pipe import listen, sender
from auditspan.collector.engine.housekeeping import Housekeeping
from auditspan.collector.engine.loop import work
from auditspan.collector.engine.messages import GaveUp, Message, Ready, Start, Warned
from auditspan.collector.engine.opening import new_segments, open_log, open_store, wait_until_alone
from auditspan.collector.engine.pausing import Pauses, Pausing
from auditspan.collector.engine.query_server import serve_queries
from auditspan.collector.engine.recent_requests import recent_requests
from auditspan.collector.engine.signing import Answers, Signer
from auditspan.collector.engine.suspicion import Suspicion
from auditspan.collector.engine.trial import tried
from auditspan.collector.engine.waking import Wake
from auditspan.storage.engine import open_memory
from auditspan.wire.segments import closed_segments

LOG = logging.getLogger("auditspan.collector.engine")

_END_SECONDS: Final = 3.0
_NEW_VALUES: Final = 50_000
"""From one look for garbage to the next."""
_LOG_STOPPED: Final = 78
"""EX_CONFIG: an operator has to decide."""
_STORE_DOWN: Final = 75
"""EX_TEMPFAIL: ended with work left, which waits in the spool."""


def run(start: Start, stdin: BinaryIO, stdout: BinaryIO, warning: str = "") -> int:
    """Work until front says that it is enough, or is gone."""
    spool = DataDir(Path(start.data_dir)).folder("spool")
    # Front was done with these before it began us.
    wake = Wake(path.stem for path in closed_segments(spool))
    answers: Answers = queue.SimpleQueue()
    pauses: Pauses = queue.SimpleQueue()
    listening = threading.Thread(target=listen, args=(stdin, wake, answers, pauses), daemon=True)
    listening.start()
    send = sender(stdout)
    if warning:
        send(Warned(warning))
    try:
        return _run(start, wake, answers, pauses, send)
    finally:
        # Front closes our input then, and nobody reads from it while the interpreter ends.
        with contextlib.suppress(BrokenPipeError):
            stdout.close()
        listening.join(_END_SECONDS)


def _run(
    start: Start, wake: Wake, answers: Answers, pauses: Pauses, send: Callable[[Message], None]
) -> int:
    config = EngineConfig.model_validate(start.config)
    data = DataDir(Path(start.data_dir))
    if not wait_until_alone(data, wake, send):
        return _STORE_DOWN
    remove_drafts(data)
    store = open_store(config.storage, wake, send)
    if store is None:
        return _STORE_DOWN
    decoder = store if store.kind == "embedded" else open_memory()
    segments = new_segments(start, config, data, store, decoder)
    try:
        if config.integrity.enabled:
            segments.sealing = open_log(segments, config, start, Signer(send, answers), wake)
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
    """Answer queries and store segments, until it is enough."""
    segments = suspicion.segments
    sealing = segments.sealing
    want_notes = sealing.notes.want if sealing else lambda: None
    serve_queries(segments.store, config.query, start.socket, want_notes)
    backlog = len(in_order(segments.data.folder("spool")))
    pausing.send(Ready(backlog, recent_requests(segments.store)))
    _expect_little_waste()
    housekeeping = Housekeeping.of(segments, config, start.instance, pausing)
    done = work(suspicion, wake, pausing.send, housekeeping)
    return 0 if done else _STORE_DOWN


def _expect_little_waste() -> None:
    """Look for cycles of garbage seldom: a batch makes many values and hardly a cycle.

    Left alone, Python looks through all values that live after every 700 new ones.
    """
    gc.freeze()
    gc.set_threshold(_NEW_VALUES, *gc.get_threshold()[1:])
