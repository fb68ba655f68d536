"""What the tests of this folder share."""

from collections.abc import Iterator

import pytest

from tests.instrumentation.sink import Sink, running_sink


@pytest.fixture
def sink() -> Iterator[Sink]:
    """A receiver on free ports."""
    with running_sink() as found:
        yield found
