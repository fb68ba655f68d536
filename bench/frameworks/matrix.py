"""Runs the cases of frameworks, two at a time, and keeps what came of each."""

import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from bench.frameworks.environments import EnvironmentFailed, Environments
from tests.frameworks.agent_run import Setting
from tests.frameworks.cases import Case, cases_of
from tests.frameworks.listed import Framework


class Outcome(BaseModel):
    """One case of one variant of one version."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    framework: str
    distribution: str
    version: str
    variant: str
    case: str
    verdict: Literal["passed", "failed"]
    seconds: float = 0.0
    """How long it took; not kept, since it says more of the machine than of the adapter."""
    detail: str = ""
    """What was expected and what came, if it failed."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Which of all; "" is everything."""

    variant: str = ""
    case: str = ""
    version: str = ""

    def versions(self, framework: Framework) -> tuple[str, ...]:
        """Those of a framework."""
        return tuple(v for v in framework.versions if self.version in ("", v))

    def cases(self, framework: Framework) -> Iterator[tuple[str, str, Case]]:
        """Variant, name and function of each."""
        for variant in framework.variants:
            for name, case in cases_of(variant == framework.variants[0]).items():
                if self.variant in ("", variant) and self.case in ("", name):
                    yield variant, name, case


Tell = Callable[[Outcome], None]


def run_matrix(
    listed: tuple[Framework, ...],
    selection: Selection,
    environments: Environments,
    jobs: int,
    tell: Tell,
) -> list[Outcome]:
    """Every version in an environment of its own; `jobs` of them at a time."""
    versions = [(each, version) for each in listed for version in selection.versions(each)]
    with ThreadPoolExecutor(jobs) as pool:
        running = [
            pool.submit(_of_version, framework, version, selection, environments, tell)
            for framework, version in versions
        ]
        return [outcome for future in running for outcome in future.result()]


def run_in(python: Path, framework: Framework, selection: Selection, tell: Tell) -> list[Outcome]:
    """The cases of a framework in an environment that is there."""
    code = f"import importlib.metadata as m; print(m.version({framework.distribution!r}))"
    asked = subprocess.run([str(python), "-c", code], capture_output=True, text=True, check=True)
    found = []
    for variant, name, case in selection.cases(framework):
        outcome = _judged(python, framework, asked.stdout.strip(), variant, name, case)
        tell(outcome)
        found.append(outcome)
    return found


def _of_version(
    framework: Framework,
    version: str,
    selection: Selection,
    environments: Environments,
    tell: Tell,
) -> list[Outcome]:
    try:
        python = environments.make(framework, version)
        return run_in(python, framework, selection, tell)
    except EnvironmentFailed as error:
        failed = _outcome(framework, version, "", "environment", 0.0, str(error))
        tell(failed)
        return [failed]
    finally:
        environments.remove(framework, version)


def _judged(
    python: Path, framework: Framework, version: str, variant: str, name: str, case: Case
) -> Outcome:
    began = time.monotonic()
    detail = ""
    with tempfile.TemporaryDirectory() as folder:
        try:
            case(Setting(python, framework, variant, Path(folder)))
        except AssertionError as error:
            detail = str(error) or "assertion failed"
        except subprocess.TimeoutExpired as error:
            detail = str(error)
    return _outcome(framework, version, variant, name, time.monotonic() - began, detail)


def _outcome(
    framework: Framework, version: str, variant: str, case: str, seconds: float, detail: str
) -> Outcome:
    return Outcome(
        framework=framework.name,
        distribution=framework.distribution,
        version=version,
        variant=variant,
        case=case,
        verdict="failed" if detail else "passed",
        seconds=round(seconds, 1),
        detail=detail,
    )
