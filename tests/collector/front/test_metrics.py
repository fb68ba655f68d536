"""What is counted."""

from auditspan.collector.front.metrics import REASONS, Metrics


def test_every_reason_is_there_from_the_start() -> None:
    """An alert on an increase sees the first one."""
    text = Metrics().text().decode()
    for reason in REASONS:
        assert f'auditspan_requests_refused_total{{reason="{reason}"}} 0.0' in text


def test_a_reason_of_a_client_is_no_label() -> None:
    """Nor can labels grow."""
    metrics = Metrics()
    metrics.refused("agent:x")
    text = metrics.text().decode()
    assert 'reason="internal"} 1.0' in text and "agent:x" not in text


def test_what_happens_is_counted() -> None:
    """Each thing under its name."""
    metrics = Metrics()
    metrics.accepted(5)
    metrics.repeated()
    metrics.scrubbed(2)
    metrics.exchanged("issued")
    metrics.acknowledged(0.003)
    metrics.batch_stored(4, 1, 0.5, {"decode": 0.25})
    metrics.batch_failed()
    metrics.forwarded("dropped", 3)
    metrics.watch_spool(lambda: 77)
    metrics.watch_under_way(lambda: 78)
    text = metrics.text().decode()
    for line in (
        "auditspan_spans_accepted_total 5.0",
        "auditspan_requests_accepted_total 1.0",
        "auditspan_requests_repeated_total 1.0",
        "auditspan_tokens_scrubbed_total 2.0",
        'auditspan_identity_exchanges_total{outcome="issued"} 1.0',
        'auditspan_acknowledge_seconds_bucket{le="0.005"} 1.0',
        "auditspan_records_stored_total 4.0",
        "auditspan_dead_letters_total 1.0",
        "auditspan_batches_failed_total 1.0",
        "auditspan_batch_lag_seconds 0.5",
        'auditspan_stage_cpu_seconds_total{stage="decode"} 0.25',
        'auditspan_forward_requests_total{result="dropped"} 3.0',
        "auditspan_spool_bytes 77.0",
        "auditspan_under_way_bytes 78.0",
    ):
        assert line in text


def test_two_collectors_in_a_process_do_not_mix() -> None:
    """Each has a registry of its own."""
    one, two = Metrics(), Metrics()
    one.accepted(1)
    assert two.registry.get_sample_value("auditspan_spans_accepted_total") == 0
