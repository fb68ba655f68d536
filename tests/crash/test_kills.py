"""Kills at every step: what was acknowledged is stored, once, and the log holds it.

`make crash` runs some hundred of them; here it is what fits into half a minute, with two collectors
at once.
"""

import os
import random

import pytest

from tests.crash import steps
from tests.crash.campaign import RANDOM
from tests.crash.collector import Nursery
from tests.crash.running import run
from tests.crash.summary import as_dict, table

SEED = int(os.environ.get("AUDITSPAN_CRASH_SEED") or random.randrange(1 << 32))
KILLS, LEAST, SECONDS = 28, 10, 22.0
"""The most and the least of them; what was killed then has to be stored and verified besides."""


def test_kills_lose_nothing_and_store_nothing_twice(
    forks: Nursery, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Acknowledged records are compared with the store, and the log is verified."""
    # A short name: many folders are made in it, and a socket's path may not be long.
    outcomes = run(forks, tmp_path_factory.mktemp("kills"), SEED, KILLS, seconds=SECONDS)
    found = as_dict(outcomes, SEED)
    print(table(outcomes, SEED))
    assert found["verdict"] == "nothing lost, nothing twice, VALID", table(outcomes, SEED)
    assert isinstance(found["kills"], int) and found["kills"] >= LEAST
    assert isinstance(found["acknowledged"], int) and found["acknowledged"] > 10 * LEAST


def test_every_step_of_the_issue_has_a_kill() -> None:
    """The moments that were asked for, each of them by its name."""
    asked = {"after append", "after fsync", "after ack", "during decode", "after sealed file",
             "during insert", "after insert", "before signature", "after signature",
             "during release"}  # fmt: skip
    assert asked <= steps.BY_NAME.keys()
    assert RANDOM not in steps.BY_NAME
