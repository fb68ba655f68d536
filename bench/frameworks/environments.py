"""An environment for one version of a framework, made by uv, with the built wheel."""

import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.frameworks.listed import Framework

ROOT = Path(__file__).parents[2]
MINUTES = 10


class EnvironmentFailed(Exception):
    """An environment cannot be made; the message holds what the installer said."""


@dataclass(frozen=True, slots=True)
class Environments:
    """Where they are made, and what is put into each."""

    folder: Path
    wheel: Path

    def make(self, framework: Framework, version: str) -> Path:
        """Its interpreter. Raises EnvironmentFailed."""
        place = self.folder / f"{framework.name}-{version}"
        python = place / "bin" / "python"
        _run(_uv(), "venv", "--quiet", "--python", sys.executable, str(place))
        pinned = f"{framework.distribution}=={version}"
        # All at once: the resolver must not take an older one of either.
        wanted = (str(self.wheel), pinned, *framework.requires, *framework.also.get(version, ()))
        _run(_uv(), "pip", "install", "--quiet", "--python", str(python), *wanted)
        return python

    def remove(self, framework: Framework, version: str) -> None:
        """Some of them are large."""
        shutil.rmtree(self.folder / f"{framework.name}-{version}", ignore_errors=True)


def build_wheel(folder: Path) -> Path:
    """The wheel of this tree, from a copy of it: a build writes beside its sources."""
    with tempfile.TemporaryDirectory() as copied:
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT,
            capture_output=True,
            check=True,
            text=True,
        )
        for name in filter(None, listed.stdout.split("\0")):
            target = Path(copied) / name
            target.parent.mkdir(parents=True, exist_ok=True)
            if (ROOT / name).is_file():
                shutil.copy2(ROOT / name, target)
        options = ("--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder))
        _run(sys.executable, "-m", "pip", "wheel", *options, copied)
    [wheel] = folder.glob("auditspan-*.whl")
    return wheel


def _uv() -> str:
    beside = Path(sys.executable).parent / "uv"
    found = str(beside) if beside.exists() else shutil.which("uv")
    if found is None:
        raise EnvironmentFailed("uv is not installed; it is in the group dev, or: pip install uv")
    return found


def _run(*command: str) -> None:
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=MINUTES * 60, check=False
    )
    if done.returncode:
        raise EnvironmentFailed(f"{' '.join(command)}\n{done.stderr.strip()}")
