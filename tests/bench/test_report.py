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


def test_few_figures_are_taken_from_several_results(tmp_path: Path) -> None:
    """What is measured has a row with its command; what is not has none."""
    lag = {"1,000 requests a second": {"lag_p99_s": 1.64}, "1 span a second": {"cpu_percent": 4.9}}
    figures = {**lag, "idle": {"cpu_percent": 0.84}}
    (tmp_path / "small.json").write_text(json.dumps({"figures": figures}))
    crash = {"kills": 1000, "lost": 0, "duplicates": 0}
    (tmp_path / "crash.json").write_text(json.dumps({"figures": crash}))
    page = rendered("<!-- figures: few -->\n<!-- end -->\n", tmp_path)
    assert "| idle, of a core | 0.8 % | 1 % | `make bench` |" in page
    assert "p99 | 1.6 s | 3 s | `make bench` |" in page
    assert "(1,000 kills) | 0 | 0 | `make crash` |" in page
    assert page.count("`make ") == 5
