"""What the collector counts, for Prometheus. Labels are words of ours, never a client's value."""

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest

REASONS: Final = frozenset(
    {
        "malformed",
        "too_large",
        "unauthenticated",
        "not_allowed",
        "too_many_requests",
        "unavailable",
        "spool_full",
        "spool_failed",
        "internal",
    }
)
"""Why requests are refused."""


class Metrics:
    """The counters of one collector."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        self._requests = Counter(
            "auditspan_requests_accepted", "Requests on disk", registry=registry
        )
        self._accepted = Counter("auditspan_spans_accepted", "Spans on disk", registry=registry)
        self._repeated = Counter(
            "auditspan_requests_repeated", "Requests that were on disk already", registry=registry
        )
        self._refused = Counter(
            "auditspan_requests_refused", "Requests refused", ["reason"], registry=registry
        )
        self._scrubbed = Counter(
            "auditspan_tokens_scrubbed", "Raw credentials taken out of spans", registry=registry
        )
        self._stored = Counter("auditspan_records_stored", "Records stored", registry=registry)
        self._dead = Counter("auditspan_dead_letters", "Dead letters", registry=registry)
        self._failed = Counter(
            "auditspan_batches_failed", "Failed attempts to store a batch", registry=registry
        )
        self._lag = Gauge(
            "auditspan_batch_lag_seconds", "Receipt to store, last batch", registry=registry
        )
        self._spool = Gauge("auditspan_spool_bytes", "Bytes in the spool", registry=registry)
        self._stages = Counter(
            "auditspan_stage_cpu_seconds", "CPU by stage", ["stage"], registry=registry
        )
        self._forwarded = Counter(
            "auditspan_forward", "Requests passed on, by result", ["result"], registry=registry
        )

    def accepted(self, spans: int, *, new: bool) -> None:
        """A request was acknowledged."""
        (self._requests if new else self._repeated).inc()
        self._accepted.inc(spans if new else 0)

    def refused(self, reason: str) -> None:
        """A request was refused; a reason that is none of ours counts as `internal`."""
        self._refused.labels(reason if reason in REASONS else "internal").inc()

    def scrubbed(self, count: int) -> None:
        """Credentials were found on spans."""
        self._scrubbed.inc(count)

    def batch_stored(
        self, records: int, dead: int, lag_seconds: float, stages: dict[str, float]
    ) -> None:
        """The engine has stored a batch."""
        self._stored.inc(records)
        self._dead.inc(dead)
        self._lag.set(lag_seconds)
        for stage, seconds in stages.items():
            self._stages.labels(stage).inc(max(seconds, 0.0))

    def batch_failed(self) -> None:
        """A batch could not be stored for now."""
        self._failed.inc()

    def spool_bytes(self, count: int) -> None:
        """What waits in the spool."""
        self._spool.set(count)

    def forwarded(self, event: str, count: int) -> None:
        """Requests passed on: `forwarded`, `refused` or `dropped`."""
        self._forwarded.labels(event).inc(count)

    def text(self) -> bytes:
        """In the text format of Prometheus."""
        return generate_latest(self.registry)
