"""The page of benchmarks is made from their results."""

import json
from pathlib import Path

import pytest

from bench.report import PAGES, RESULTS, rendered

MACHINE = {"cpu": "a cpu", "cores": 2, "memory_mb": 24_000, "load": 0.1}
ABOUT = {"command": "python -m bench.peers", "date": "2026-11-25T00:00:00", "commit": "abc"}


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_a_page_has_the_committed_figures(path: Path) -> None:
    """`python -m bench.report` has nothing to change."""
    page = path.read_text("utf-8")
    assert rendered(page, RESULTS) == page


def test_a_result_becomes_a_table(tmp_path: Path) -> None:
    """Only what stands between the marks changes, and it says where it was measured."""
    case = {"collector": 7.5, "ingest": 8, "together": 15.5}
    result = {**ABOUT, "machine": MACHINE, "figures": {"rotel": case}}
    (tmp_path / "peers.json").write_text(json.dumps(result))
    page = rendered("before\n<!-- figures: peers -->\nold\n<!-- end -->\nafter\n", tmp_path)
    assert page.startswith("before\n") and page.endswith("<!-- end -->\nafter\n")
    assert "old" not in page
    assert "| rotel | 7.5 | 8 | 15.5 |" in page
    assert "`python -m bench.peers`, 2026-11-25, commit `abc`, a cpu, 2 cores, 23 GB" in page
