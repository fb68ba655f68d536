"""One act from the question to the result: guarded, made current, recorded.

call = begin(act)          # may raise PolicyDenied, and nothing else
with call.active():        # what happens inside is below it in the trace
    ...
call.succeeded(result)     # or call.failed(error)
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Protocol

from auditspan.instrumentation.act import Act
from auditspan.instrumentation.demands import fails_closed
from auditspan.instrumentation.errors import SpoolFull
from auditspan.instrumentation.guard import UNRECORDABLE, Verdict, denied
from auditspan.instrumentation.host import report, warn
from auditspan.instrumentation.identity import NOBODY, Identity, current
from auditspan.instrumentation.recorded_call import Recorded, active_call, intend, nested_in, start
from auditspan.instrumentation.result import Result
from auditspan.instrumentation.runtime import runtime
from auditspan.semconv import attributes as names


class Call(Protocol):
    """An act that is happening."""

    def active(self) -> AbstractContextManager[None, None]:
        """Make it current in a block; may be entered again later."""
        ...

    def succeeded(self, result: object = None) -> None:
        """It came to an end."""
        ...

    def returned(self, result: Result) -> None:
        """It gave something back, which may say that it failed."""
        ...

    def failed(self, error: BaseException) -> None:
        """It ended with an exception."""
        ...


@dataclass(frozen=True, slots=True)
class Unrecorded:
    """An act that is not ours to record: one inside itself, or without a runtime."""

    def active(self) -> AbstractContextManager[None, None]:
        """Nothing."""
        return nullcontext()

    def succeeded(self, result: object = None) -> None:
        """Nothing."""

    def returned(self, result: Result) -> None:
        """Nothing."""

    def failed(self, error: BaseException) -> None:
        """Nothing."""


def begin(act: Act, fault: Exception | None = None) -> Call:
    """Ask the guard and start the record. Raises PolicyDenied.

    With a fault, the act could not be read: nothing can be asked of it, and the fail mode holds.
    """
    try:
        outer = active_call()
        # What a call has started, and goes on after its end, is not inside it any more.
        if outer is not None and act.same(outer.act) and outer.span.is_recording():
            return _inside_itself(act, outer)
        found = runtime()
        identity = _identity(act)
        guard = found.guard
        verdict = guard.judge(act, identity) if fault is None else guard.unreadable(fault)
        recorded = start(found, act, identity, verdict)
        if verdict is not None and not verdict.blocks:
            verdict = _intended(recorded, verdict)
    except Exception as error:
        return _without(act, error)
    if verdict is not None and verdict.blocks:
        recorded.span.set_attribute(names.AUDIT_OUTCOME, "denied")
        recorded.span.end()
        raise verdict.denial(act)
    return recorded


def begin_described(framework: str, describe: Callable[[], Act], call_id: str = "") -> Call:
    """Read an act and begin it; one that cannot be read is held to the fail mode.

    Raises PolicyDenied.
    """
    try:
        act = describe()
    except Exception as fault:
        return begin(Act("execute_tool", framework=framework, call_id=call_id), fault)
    return begin(act)


def _identity(act: Act) -> Identity:
    """Whom an act is for: as was said, and where nobody said it, as the framework knows."""
    said = current()
    return said if act.known is NOBODY else said.with_claims(act.known)


def _intended(recorded: Recorded, verdict: Verdict) -> Verdict:
    """The verdict, or a denial if the call cannot be written down before it happens."""
    try:
        intend(recorded)
        return verdict
    except SpoolFull as error:
        warn("call", "auditspan: %s", error)
        settings = recorded.runtime.settings
        if not settings.closed:
            return verdict
        stopped = denied(UNRECORDABLE, "it could not be recorded")
        recorded.span.set_attributes(stopped.attributes(settings.mode))
        return stopped


def _inside_itself(act: Act, outer: Recorded) -> Call:
    """The same call, seen again further in: one decision, and a record only of what leaves."""
    if not act.hop or act.framework == outer.act.framework:
        return Unrecorded()
    try:
        return start(outer.runtime, act, _identity(act), outer.verdict, nested_in(outer))
    except Exception as error:
        report("call", error)
        return Unrecorded()


def _without(act: Act, error: Exception) -> Call:
    """What becomes of an act that we cannot handle."""
    if fails_closed():
        warn("call", "auditspan: %s: %s", type(error).__name__, error)
        raise denied(UNRECORDABLE, "it could not be recorded").denial(act) from error
    report("call", error)
    return Unrecorded()
