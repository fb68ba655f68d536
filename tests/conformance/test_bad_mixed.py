"""Malformed requests amid good ones: they are refused, and nothing good is lost or doubled."""

from pathlib import Path

from bench.bad_input import measured
from tests.end_to_end.running import running


def test_malformed_requests_cost_nothing_good(tmp_path: Path) -> None:
    """Each is answered as its kind is, every good one is stored once, and memory stays."""
    with running(tmp_path / "data", executed=True) as collector:
        figures = measured(collector, 500)
    assert figures.holds, figures
    assert figures.bad == 500
    assert figures.good >= 25
