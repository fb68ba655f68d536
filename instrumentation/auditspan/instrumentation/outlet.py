"""Where the spans of this process go: numbered, written to disk, brought to the collector."""

from opentelemetry.sdk.trace import ReadableSpan

from auditspan.instrumentation.act_span import ActSpan
from auditspan.instrumentation.delivery import Delivery
from auditspan.instrumentation.encode import Encoder
from auditspan.instrumentation.errors import SpoolFull
from auditspan.instrumentation.host import warn
from auditspan.instrumentation.intents import Intents
from auditspan.instrumentation.otlp_fields import attribute
from auditspan.instrumentation.send import sender
from auditspan.instrumentation.sequence import Sequence
from auditspan.instrumentation.settings import Settings
from auditspan.instrumentation.spool import Spool
from auditspan.semconv import attributes as names


class Outlet:
    """One process's way out. Not for several threads at once, but for `delivery`."""

    def __init__(self, settings: Settings) -> None:
        """Raises SpoolFull if nothing can be written."""
        self.sequence = Sequence()
        self.spool = Spool(
            settings.spool, self.sequence.instance, settings.spool_max_bytes, settings.fsync
        )
        self.intents = Intents(self.spool.folder, settings.fsync)
        self._pending_seconds = settings.pending_seconds
        self.delivery = Delivery(self.spool, lambda: sender(settings.transport), self._tend)
        self._encoder = Encoder()
        self._intent = b"".join(
            (
                attribute(names.AUDIT_AGENT_INSTANCE_ID, self.sequence.instance),
                attribute(names.AUDIT_CALL_INTENT, True),
                attribute(names.AUDIT_OUTCOME, "pending"),
            )
        )
        self.delivery.start()

    def write(self, span: ReadableSpan | ActSpan) -> None:
        """Write a span to disk. Raises SpoolFull; then its number is missing in the sequence."""
        if isinstance(span, ActSpan):
            self._append(self._encoder.encode_act(span, self.sequence.next()))
            self.intents.close(span.get_span_context().span_id)
        else:
            self._append(self._encoder.encode(span, self.sequence.next()))

    def intend(self, act: ActSpan) -> None:
        """Write down a call that is about to happen. Raises SpoolFull."""
        self.spool.check()
        request = self._encoder.encode_act(act, self._intent)
        try:
            self.intents.open(act.get_span_context().span_id, request)
        except OSError as error:
            raise SpoolFull(f"spool {self.spool.folder}: {error.strerror or error}") from error

    def _append(self, request: bytes) -> None:
        self.delivery.notify(self.spool.append(request))

    def take_over(self, former: "Outlet") -> None:
        """Go on for another one of this process whose spool is gone. Raises SpoolFull."""
        try:
            self.intents.take_over(former.intents)
        except OSError as error:
            raise SpoolFull(f"spool {self.spool.folder}: {error.strerror or error}") from error
        finally:
            former.delivery.stop()
            former.forget()

    def forget(self) -> None:
        """In a fork: let go of everything that belongs to the parent."""
        self.intents.forget()
        self.spool.forget()

    def close(self, seconds: float) -> bool:
        """Send what is there, for so long at most; whether everything is sent."""
        self._tell_pending(0.0)
        done = self.delivery.finish(seconds)
        self.intents.finish()
        self.spool.close()
        return done

    def _tend(self) -> None:
        """What is due before something is sent, and must not keep it from being sent."""
        self._tell_pending()
        try:
            self.intents.settle()
        except OSError as error:
            warn("intents", "auditspan: %s: %s", self.spool.folder, error.strerror or error)

    def _tell_pending(self, seconds: float | None = None) -> None:
        """Record the calls that are open for too long: nobody may ever tell what became of them.

        Without room they stay open, so that what makes room is not held up by them.
        """
        limit = self._pending_seconds if seconds is None else seconds
        try:
            for request in self.intents.overdue(limit):
                self.spool.append(request)
        except SpoolFull as error:
            warn("pending", "auditspan: %s; open calls are told later", error)
