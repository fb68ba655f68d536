"""Put the durable processor on the application's provider, whoever made that."""

from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import Sampler

from auditspan.instrumentation.runtime import runtime
from auditspan.instrumentation.sampling import RecordAll


def install() -> bool:
    """Make sure that the application's spans are recorded; whether there is a provider for it.

    Doing it twice does nothing. Raises InstrumentationError if nothing can be recorded.
    """
    provider = trace.get_tracer_provider()
    if not isinstance(provider, TracerProvider):
        return False
    sampler: Sampler = provider.sampler
    if not isinstance(sampler, RecordAll):
        provider.add_span_processor(runtime().durable)
        provider.sampler = RecordAll(sampler)
    return True
