"""Calls that are told before and after end once, whatever is told."""

import os
from pathlib import Path

import pytest

from auditspan.instrumentation.act import Act
from auditspan.instrumentation.errors import PolicyDenied
from auditspan.instrumentation.pairs import Pairs
from auditspan.instrumentation.result import Result
from tests.instrumentation.recorded import running, written
from tests.instrumentation.test_guard import registry


def look() -> Act:
    return Act("execute_tool", "look", "{}", framework="small")


def delete_order() -> Act:
    return Act("execute_tool", "delete_order", "{}", framework="small")


def outcomes(folder: Path) -> list[str]:
    return [span.text("audit.outcome") for span in written(folder)]


def test_a_call_ends_with_what_is_told_of_it(tmp_path: Path) -> None:
    """Once; what is told of unknown or ended calls changes nothing."""
    with running(tmp_path):
        pairs = Pairs("small")
        for key in ("1", "2", "3"):
            pairs.begin(key, look)
        pairs.fail("2", ValueError("no"))
        pairs.finish("1", Result("x"))
        pairs.finish("1", Result("y"))
        pairs.finish("4", Result("z"))
        pairs.finish("3", Result("w", "tool_error"))
    assert outcomes(tmp_path) == ["failure", "success", "failure"]


def test_a_denied_call_is_not_open(tmp_path: Path) -> None:
    """It has its record."""
    with running(tmp_path, **registry(tmp_path)):
        pairs = Pairs("small")
        with pytest.raises(PolicyDenied):
            pairs.begin("1", delete_order)
        pairs.finish("1", Result())
    assert outcomes(tmp_path) == ["denied"]


def test_what_nobody_tells_of_is_unknown(tmp_path: Path) -> None:
    """The oldest of too many, one whose identifier comes again, and those open at the end."""
    with running(tmp_path):
        pairs = Pairs("small", limit=2)
        for key in ("1", "2", "2", "3", "4"):
            pairs.begin(key, look)
        assert outcomes(tmp_path) == ["unknown"] * 3
        pairs.close()
    assert outcomes(tmp_path) == ["unknown"] * 5


def test_a_fork_leaves_open_calls_to_its_parent(tmp_path: Path) -> None:
    """They are recorded once."""
    with running(tmp_path):
        pairs = Pairs("small")
        pairs.begin("1", look)
        child = os.fork()
        if child == 0:
            pairs.close()
            os._exit(0)
        os.waitpid(child, 0)
        pairs.finish("1", Result())
    assert outcomes(tmp_path) == ["success"]
