"""What the collector counts, for Prometheus. Labels are words of ours, never a client's value."""

from collections.abc import Callable
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from auditspan.collector.front.identities import OUTCOMES

REASONS: Final = (
    "malformed",
    "too_large",
    "unsupported",
    "unauthenticated",
    "not_allowed",
    "too_many_requests",
    "unavailable",
    "overloaded",
    "disk_low",
    "rate_exceeded",
    "share_exceeded",
    "spool_full",
    "spool_failed",
    "internal",
)
"""Why requests are refused."""

FORWARD_RESULTS: Final = ("forwarded", "refused", "dropped")
"""What becomes of requests that are passed on."""

_SECONDS: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 5.0)


class Metrics:
    """The counters of one collector; they have a registry of their own."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()

        def counter(name: str, words: str, *labels: str) -> Counter:
            return Counter(f"auditspan_{name}", words, labels, registry=registry)

        def gauge(name: str, words: str) -> Gauge:
            return Gauge(f"auditspan_{name}", words, registry=registry)

        self._requests = counter("requests_accepted", "Requests on disk")
        self._accepted = counter("spans_accepted", "Spans on disk")
        self._rejected = counter("spans_rejected", "Spans not taken of requests on disk")
        self._repeated = counter("requests_repeated", "Requests that were on disk already")
        self._refused = counter("requests_refused", "Requests refused", "reason")
        self._exchanged = counter("identity_exchanges", "Users' tokens shown", "outcome")
        self._scrubbed = counter("tokens_scrubbed", "Raw credentials taken out of spans")
        self._dropped = counter("attributes_dropped", "Attributes beyond what a span may have")
        self._stored = counter("records_stored", "Records stored")
        self._dead = counter("dead_letters", "Records that can never be stored")
        self._failed = counter("batches_failed", "Failed attempts to store a batch")
        self._stages = counter("stage_cpu_seconds", "CPU by stage", "stage")
        self._forwarded = counter("forward_requests", "Requests passed on", "result")
        self._lag = gauge("batch_lag_seconds", "Receipt to store, oldest request of last batch")
        self._spool = gauge("spool_bytes", "Bytes in the spool")
        self._under_way = gauge("under_way_bytes", "Bytes of requests in memory")
        self._acknowledged = Histogram(
            "auditspan_acknowledge_seconds",
            "From the whole body to the answer",
            buckets=_SECONDS,
            registry=registry,
        )
        # There from the start, so that an alert sees the first one.
        for reason in REASONS:
            self._refused.labels(reason)
        for outcome in OUTCOMES:
            self._exchanged.labels(outcome)
        for result in FORWARD_RESULTS:
            self._forwarded.labels(result)

    def watch_spool(self, size: Callable[[], int]) -> None:
        """Ask for the bytes in the spool when somebody looks."""
        self._spool.set_function(size)

    def watch_under_way(self, size: Callable[[], int]) -> None:
        """Ask for the bytes of requests in memory when somebody looks."""
        self._under_way.set_function(size)

    def accepted(self, spans: int) -> None:
        """A request is on disk."""
        self._requests.inc()
        self._accepted.inc(spans)

    def repeated(self) -> None:
        """A request was on disk already."""
        self._repeated.inc()

    def acknowledged(self, seconds: float) -> None:
        """A request was answered with success."""
        self._acknowledged.observe(seconds)

    def rejected(self, spans: int) -> None:
        """Spans of an accepted request were not taken."""
        self._rejected.inc(spans)

    def refused(self, reason: str) -> None:
        """A request was refused; a reason that is none of ours counts as `internal`."""
        self._refused.labels(reason if reason in REASONS else "internal").inc()

    def exchanged(self, outcome: str) -> None:
        """`POST /v1/identities` was answered."""
        self._exchanged.labels(outcome).inc()

    def scrubbed(self, count: int) -> None:
        """Credentials were found on spans."""
        self._scrubbed.inc(count)

    def attributes_dropped(self, count: int) -> None:
        """Attributes were beyond what a span may have."""
        self._dropped.inc(count)

    def batch_stored(
        self, records: int, dead: int, lag_seconds: float, stages: dict[str, float]
    ) -> None:
        """The engine has stored a batch."""
        self._stored.inc(records)
        self._dead.inc(dead)
        self._lag.set(max(lag_seconds, 0.0))
        for stage, seconds in stages.items():
            self._stages.labels(stage).inc(max(seconds, 0.0))

    def batch_failed(self) -> None:
        """A batch could not be stored for now."""
        self._failed.inc()

    def forwarded(self, result: str, count: int) -> None:
        """Requests passed on: `forwarded`, `refused` or `dropped`."""
        self._forwarded.labels(result).inc(count)

    def text(self) -> bytes:
        """In the text format of Prometheus."""
        return generate_latest(self.registry)
