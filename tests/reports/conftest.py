"""A real embedded store with the trail of `trail.py`; one for a module, as a process opens one."""

from collections.abc import Iterator

import pytest

from auditspan.storage.reader import Reader
from tests.migrated import migrated_store
from tests.reports.trail import fill


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    """What reports read from."""
    engine = migrated_store(tmp_path_factory.mktemp("reports") / "store")
    fill(engine)
    yield Reader(engine)
    engine.close()
