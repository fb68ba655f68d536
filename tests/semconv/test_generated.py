"""What is committed is what the generator writes, byte by byte."""

import subprocess
import sys
from pathlib import Path

import pytest
from generator.load import Registry
from generator.render import MODULES, PACKAGE, outputs
from generator.seals import MODULE, VERIFIER

ROOT = Path(__file__).parents[2]
PATHS = [
    *(f"{PACKAGE}/{module}.py" for module in MODULES),
    f"{PACKAGE}/dialects.json",
    MODULE,
    VERIFIER,
    "docs/semconv.md",
]


@pytest.fixture(scope="module")
def made(registry: Registry) -> dict[str, str]:
    """All outputs, made anew."""
    return outputs(registry, ROOT)


def test_every_output_is_compared(made: dict[str, str]) -> None:
    """No output is written that this file does not look at."""
    assert set(made) == set(PATHS)


@pytest.mark.parametrize("path", PATHS)
def test_committed_bytes_are_generated_bytes(made: dict[str, str], path: str) -> None:
    """Editing a generated file, or forgetting `make semconv`, fails here."""
    assert (ROOT / path).read_bytes() == made[path].encode(), "run `make semconv`"


def test_the_generator_runs_as_a_folder(tmp_path: Path) -> None:
    """`python semconv/generator` works from anywhere, and changes nothing that is up to date."""
    before = {path: (ROOT / path).read_bytes() for path in PATHS}
    command = [sys.executable, str(ROOT / "semconv" / "generator")]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.split() == PATHS
    assert {path: (ROOT / path).read_bytes() for path in PATHS} == before


def test_every_attribute_is_on_the_page(registry: Registry) -> None:
    """The reference leaves nothing out."""
    page = (ROOT / "docs" / "semconv.md").read_text("utf-8")
    missing = [a.key for a in registry.attributes if f"| `{a.written}` |" not in page]
    assert missing == []


def test_tables_of_the_page_are_whole() -> None:
    """A stray `|` in a text would break a row: every row has as many cells as its head."""
    cells = 0
    for line in (ROOT / "docs" / "semconv.md").read_text("utf-8").splitlines():
        if not line.startswith("|"):
            cells = 0
            continue
        count = line.replace("\\|", "").count("|")
        cells = cells or count
        assert count == cells, line
