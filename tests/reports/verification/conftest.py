"""A store with sealed records, and copies of it that a test may change."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.reports.verification.sealed import Sealed, made, opened


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store, sealed once."""
    return made(tmp_path_factory.mktemp("sealed"))


@pytest.fixture
def copy(sealed: Path, tmp_path: Path) -> Iterator[Sealed]:
    """A copy of it that may be changed."""
    with opened(sealed, tmp_path / "data") as store:
        yield store
