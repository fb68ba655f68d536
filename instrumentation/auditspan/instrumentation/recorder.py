"""Our own tracer provider: it records whatever the application's sampler says, in its trace.

What it makes current has the application's sampling decision, so that nothing else changes.
"""

from collections.abc import Mapping

from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanLimits, TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, ParentBased
from opentelemetry.trace import Tracer
from opentelemetry.util.types import AttributeValue

from auditspan.instrumentation.durable import Durable
from auditspan.instrumentation.sampling import RecordAll
from auditspan.semconv import attributes as names

SCOPE = "auditspan"
CLOSE = "auditspan.close"
"""Name of the span that marks the end of a process."""
LOSS = "auditspan.loss"
"""Name of the span that tells of others that could not be written, as long as that was so."""
COVERAGE = "auditspan.coverage"
"""Name of the span that says what is guarded."""


def provider(durable: Durable) -> TracerProvider:
    """A provider that writes to the spool alone."""
    made = TracerProvider(
        sampler=RecordAll(ParentBased(ALWAYS_ON)),
        resource=_resource(),
        # Nothing that is audited is cut by limits meant for dashboards.
        span_limits=SpanLimits(
            max_attributes=1024,
            max_attribute_length=SpanLimits.UNSET,
            max_span_attribute_length=SpanLimits.UNSET,
        ),
        shutdown_on_exit=False,
    )
    made.add_span_processor(durable)
    return made


def _resource() -> Resource:
    """The application's, so that both providers are told to be one process."""
    application = trace.get_tracer_provider()
    return application.resource if isinstance(application, TracerProvider) else Resource.create()


def tracer(made: TracerProvider) -> Tracer:
    """Its tracer."""
    return made.get_tracer(SCOPE)


def record_coverage(made: TracerProvider, attributes: Mapping[str, AttributeValue]) -> None:
    """Record what is guarded in this process and what is not."""
    tracer(made).start_span(COVERAGE, attributes=attributes).end()


def record_loss(made: TracerProvider, spans: int, since: int) -> None:
    """Record that so many spans, since a moment in nanoseconds, found no room in the spool."""
    attributes = {names.AUDIT_LOSS_COUNT: spans}
    tracer(made).start_span(LOSS, start_time=since or None, attributes=attributes).end()


def mark_end(made: TracerProvider) -> None:
    """Record that the process ends in order."""
    tracer(made).start_span(CLOSE, attributes={names.AUDIT_SEQUENCE_MARK: "close"}).end()
