"""Everything of ours in this process, made when it is first needed and put away at its end."""

import atexit
import os
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace

from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Span, TracerProvider
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from auditspan.instrumentation import recorder
from auditspan.instrumentation.content_hash import read_key
from auditspan.instrumentation.durable import Durable
from auditspan.instrumentation.exchange import Exchange
from auditspan.instrumentation.guard import Guard
from auditspan.instrumentation.host import contained, report, warn
from auditspan.instrumentation.identity import stamp
from auditspan.instrumentation.outlet import Outlet
from auditspan.instrumentation.same_call import tie_inner
from auditspan.instrumentation.settings import Settings, settings
from auditspan.instrumentation.worker_exit import at_worker_end
from auditspan.semconv import attributes as names


@dataclass(frozen=True, slots=True)
class Runtime:
    """The parts, wired together."""

    settings: Settings
    durable: Durable
    """Also for the providers of the application."""
    provider: TracerProvider
    place: tuple[Resource, InstrumentationScope]
    """Whose the spans of acts are."""
    exchange: Exchange
    guard: Guard
    hash_key: bytes
    own: Mapping[str, str]
    """What every span says of this agent, unless it says something else."""

    @classmethod
    def make(cls, found: Settings) -> "Runtime":
        """Wire the parts. Raises InstrumentationError."""
        own = {
            names.GEN_AI_AGENT_ID: found.agent_id,
            names.GEN_AI_AGENT_NAME: found.agent_name,
        }
        own = {name: value for name, value in own.items() if value}

        def stamp_own(span: Span, context: Context | None) -> None:
            stamp(span, context, own)
            tie_inner(span, context)

        durable = Durable(
            lambda: Outlet(found),
            stamp_own,
            lambda spans, since: recorder.record_loss(made, spans, since),
        )
        made = recorder.provider(durable)
        return cls(
            settings=found,
            durable=durable,
            provider=made,
            place=(made.resource, InstrumentationScope(recorder.SCOPE)),
            exchange=Exchange(found.transport),
            guard=Guard(found, durable.check),
            hash_key=read_key(found.hash_key),
            own=own,
        )

    def close(self, seconds: float | None = None) -> bool:
        """Record the end and send what is there; whether the collector has everything."""
        if not self.durable.used:
            return self.durable.close(0.0)
        recorder.mark_end(self.provider)
        limit = self.settings.exit_seconds if seconds is None else seconds
        delivered = self.durable.close(limit)
        if not delivered:
            warn(
                "exit",
                "auditspan: the collector does not have all spans; they stay in %s",
                self.settings.spool,
            )
        return delivered


class _Process:
    """Holds the one runtime of a process."""

    def __init__(self) -> None:
        self.mutex = threading.RLock()
        self.made: Runtime | None = None
        self.failed: Exception | None = None
        self.try_at = 0.0


_RETRY_SECONDS = 10.0
_process = _Process()


def runtime() -> Runtime:
    """The runtime of this process. Raises InstrumentationError if there can be none now."""
    made = _process.made
    return made if made is not None else _make()


def _make() -> Runtime:
    with _process.mutex:
        if _process.made is not None:
            return _process.made
        if _process.failed is not None and time.monotonic() < _process.try_at:
            raise _process.failed
        try:
            _process.made = Runtime.make(settings())
        except Exception as error:
            _process.failed, _process.try_at = error, time.monotonic() + _RETRY_SECONDS
            raise
        return _process.made


def shut_down(seconds: float | None = None) -> bool:
    """At the end of the process: send what is there; whether the collector has everything."""
    made, _process.made = _process.made, None
    if made is None:
        return True
    try:
        return made.close(seconds)
    except Exception as error:
        report("exit", error)
        return False


def _forked() -> None:
    """Another thread may have held any of our locks when this process was made."""
    _process.mutex = threading.RLock()
    made = _process.made
    if made is not None:
        with contained("fork"):
            made.durable.forked()
            _process.made = replace(
                made,
                exchange=Exchange(made.settings.transport),
                guard=Guard(made.settings, made.durable.check),
            )


atexit.register(shut_down)
at_worker_end(shut_down)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)
