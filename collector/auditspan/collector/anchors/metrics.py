"""How far each anchor is behind, for Prometheus. Names are words of the configuration."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge


class AnchorMetrics:
    """The gauges and counters of all anchors."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._lag = Gauge(
            "auditspan_anchor_lag_seconds",
            "Since all that was signed was anchored",
            ["anchor"],
            registry=registry,
        )
        self._failures = Counter(
            "auditspan_anchor_failures",
            "Tries to anchor a checkpoint without success",
            ["anchor"],
            registry=registry,
        )

    def watch(self, anchor: str, lag: Callable[[], float]) -> Callable[[], None]:
        """Ask for the lag when somebody looks; what is given back counts a failure."""
        self._lag.labels(anchor).set_function(lag)
        return self._failures.labels(anchor).inc
