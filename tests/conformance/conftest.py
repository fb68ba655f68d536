"""One collector for the requests that are compared."""

from collections.abc import Iterator

import pytest

from tests.end_to_end.running import Collector, running


@pytest.fixture(scope="session")
def collector(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Collector]:
    """Started once for the folder."""
    with running(tmp_path_factory.mktemp("conformance") / "data") as started:
        yield started
