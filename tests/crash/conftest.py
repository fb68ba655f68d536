"""The nursery of the test process, and a collector of it."""

import sys
from collections.abc import Iterator

import pytest

from tests.crash.collector import Collector, Nursery, new_collector
from tests.end_to_end.forked import the_nursery


@pytest.fixture(scope="session")
def forks() -> Nursery:
    """Where processes come from."""
    if sys.platform != "linux":
        pytest.skip("processes are forked and watched as only Linux can")
    return the_nursery()


@pytest.fixture
def collector(forks: Nursery, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Collector]:
    """A collector that is not started; none of its processes outlives the test."""
    made = new_collector(forks, tmp_path_factory.mktemp("crash") / "collector")
    try:
        yield made
    finally:
        made.close()
