"""The generator is no part of the package: it is imported from the source tree."""

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "semconv" / "auditspan" / "semconv"

# At the end: `auditspan` itself must stay the installed one.
sys.path.append(str(ROOT / "semconv"))

from generator.load import Registry, load  # noqa: E402


@pytest.fixture(scope="session")
def registry() -> Registry:
    """The registry as it stands in the tree."""
    return load(PACKAGE)
