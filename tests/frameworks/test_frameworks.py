"""The cases of the light frameworks, as far as they are installed here.

Everything, in environments of their own and with the oldest versions: `make frameworks`.
"""

import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest

from bench.frameworks import page
from tests.frameworks.agent_run import Setting
from tests.frameworks.cases import Case, cases_of
from tests.frameworks.listed import FOLDER, Framework, frameworks

LIGHT = [framework for framework in frameworks() if framework.light]


def _listed() -> Iterator[object]:
    """All cases of the first way into each."""
    for framework in LIGHT:
        for name, case in cases_of(first=True).items():
            yield pytest.param(framework, case, id=f"{framework.name}-{name}")


@pytest.mark.parametrize(("framework", "case"), list(_listed()))
def test_case(framework: Framework, case: Case, tmp_path: Path) -> None:
    """Each case says what must hold."""
    try:
        version(framework.distribution)
    except PackageNotFoundError:
        pytest.skip(f"{framework.distribution} is not installed here; make frameworks runs it")
    case(Setting(Path(sys.executable), framework, framework.variants[0], tmp_path))


def test_every_framework_has_its_program() -> None:
    """And every program its framework."""
    programs = {path.name for path in (FOLDER / "agents").glob("*_agent.py")}
    assert {framework.agent for framework in frameworks()} == programs


def test_the_page_says_what_was_found() -> None:
    """It is made from the results, they are of every listed version, and nothing failed."""
    found = page.read()
    assert page.PAGE.read_text("utf-8") == page.markdown(found)
    assert page.missing(found, frameworks()) == []
    assert [outcome for outcome in found.outcomes if outcome.verdict == "failed"] == []
