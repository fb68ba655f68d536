"""Functions are found however a library defines them, and none that is not there."""

import ast
from pathlib import Path

import pytest

from auditspan.instrumentation.adapters.locate import problems

SOURCE = """
import sys
from json import dumps, loads as read
alias = dumps
typed: object = dumps

def plain():
    def inner(): ...

class Base:
    def run(self): ...
    async def arun(self): ...

class Derived(Base):
    other = Base.run

if sys.version_info > (3,):
    class Chosen:
        def new(self): ...
else:
    class Chosen:
        def old(self): ...
raise SystemExit("this module must not run")
"""
THERE = ["plain", "Base.run", "Base.arun"]
TOLD_BY_SOURCE = ["dumps", "read", "alias", "typed", "Derived.run", "Derived.other"]
MISSING = ["inner", "loads", "Base.inner", "Base.gone", "Gone.run", "plain2"]


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a module that can be imported, and is not."""
    (tmp_path / "located_library.py").write_text(SOURCE)
    monkeypatch.syspath_prepend(tmp_path)
    return "located_library"


def test_what_is_there_is_no_problem(library: str) -> None:
    """Defined, imported, assigned or inherited."""
    assert list(problems(library, THERE + TOLD_BY_SOURCE)) == []


def test_what_is_not_there_is_named(library: str) -> None:
    """Also beside what is; a name inside a function is none of the module."""
    found = list(problems(library, THERE + MISSING))
    assert found == [f"{library} has no {name}" for name in MISSING]


def test_of_classes_in_two_branches_the_first_counts(library: str) -> None:
    """Compiled, nothing tells them apart, so the source is asked."""
    assert list(problems(library, ["Chosen.new"])) == []
    assert list(problems(library, ["Chosen.old"])) == [f"{library} has no Chosen.old"]


def test_source_is_not_read_for_what_is_defined(
    library: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A start would wait for it."""

    def parse(text: str) -> ast.Module:
        raise AssertionError("the source was read")

    monkeypatch.setattr(ast, "parse", parse)
    assert list(problems(library, THERE)) == []
