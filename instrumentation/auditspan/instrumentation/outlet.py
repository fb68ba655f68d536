"""Where the spans of this process go: numbered, written to disk, brought to the collector."""

from opentelemetry.sdk.trace import ReadableSpan

from auditspan.instrumentation.delivery import Delivery
from auditspan.instrumentation.encode import Encoder
from auditspan.instrumentation.send import sender
from auditspan.instrumentation.sequence import Sequence
from auditspan.instrumentation.settings import Settings
from auditspan.instrumentation.spool import Spool


class Outlet:
    """One process's way out. Not for several threads at once, but for `delivery`."""

    def __init__(self, settings: Settings) -> None:
        """Raises SpoolFull if nothing can be written."""
        self.sequence = Sequence()
        self.spool = Spool(
            settings.spool, self.sequence.instance, settings.spool_max_bytes, settings.fsync
        )
        self.delivery = Delivery(self.spool, lambda: sender(settings.transport))
        self._encoder = Encoder()
        self.delivery.start()

    def write(self, span: ReadableSpan) -> None:
        """Write a span to disk. Raises SpoolFull; then its number is missing in the sequence."""
        request = self._encoder.encode(span, self.sequence.next())
        self.delivery.notify(self.spool.append(request))

    def close(self, seconds: float) -> bool:
        """Send what is there, for so long at most; whether everything is sent."""
        done = self.delivery.finish(seconds)
        self.spool.close()
        return done
