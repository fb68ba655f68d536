"""The cases of the light frameworks, as far as they are installed here.

Everything, in environments of their own and with the oldest versions: `make frameworks`.
"""

import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest

from tests.frameworks.agent_run import Setting
from tests.frameworks.cases import Case, cases_of
from tests.frameworks.listed import FOLDER, Framework, frameworks

LIGHT = [framework for framework in frameworks() if framework.light]


def _listed() -> Iterator[object]:
    for framework in LIGHT:
        for variant in framework.variants:
            for name, case in cases_of(variant == framework.variants[0]).items():
                yield pytest.param(
                    framework, variant, case, id=f"{framework.name}-{variant}-{name}"
                )


@pytest.mark.parametrize(("framework", "variant", "case"), list(_listed()))
def test_case(framework: Framework, variant: str, case: Case, tmp_path: Path) -> None:
    """Each case says what must hold."""
    try:
        version(framework.distribution)
    except PackageNotFoundError:
        pytest.skip(f"{framework.distribution} is not installed here; make frameworks runs it")
    case(Setting(Path(sys.executable), framework, variant, tmp_path))


def test_every_framework_has_its_program() -> None:
    """And every program its framework."""
    programs = {path.name for path in (FOLDER / "agents").glob("*_agent.py")}
    assert {framework.agent for framework in frameworks()} == programs
