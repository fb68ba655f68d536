"""The tree and pyproject.toml say the same thing."""

import ast
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
CONFIG = tomllib.loads((ROOT / "pyproject.toml").read_text())
FOLDERS = sorted(path.parent.name for path in ROOT.glob("*/auditspan"))


def test_every_folder_is_packaged() -> None:
    """A folder that is on disk is installed, editable and in the wheel."""
    hatch = CONFIG["tool"]["hatch"]["build"]
    assert sorted(hatch["dev-mode-dirs"]) == FOLDERS
    assert sorted(hatch["targets"]["wheel"]["packages"]) == [f"{f}/auditspan" for f in FOLDERS]


def test_every_folder_is_type_checked() -> None:
    """A folder that is installed is seen by mypy, and so are the programs beside them."""
    seen = CONFIG["tool"]["mypy"]["mypy_path"].split(":")
    assert sorted(seen) == sorted([*FOLDERS, "examples/demo"])
    assert {*FOLDERS, "tests", "bench", "examples"} == set(CONFIG["tool"]["mypy"]["files"])


def test_auditspan_stays_a_namespace() -> None:
    """A stray __init__.py would hide every other folder, in an editable install only."""
    assert not list(ROOT.glob("*/auditspan/__init__.py"))
    for folder in FOLDERS:
        part = ROOT / folder / "auditspan"
        assert [path.name for path in part.iterdir() if path.name != "__pycache__"] == [folder]
        assert (part / folder / "__init__.py").exists()
        assert (part / folder / "py.typed").exists()


def test_the_vocabulary_depends_on_nothing() -> None:
    """The semantic conventions are read by every part, so they may need none."""
    known = sys.stdlib_module_names | {"auditspan"}
    assert set(imported(ROOT / "semconv" / "auditspan")) <= known


def imported(folder: Path) -> Iterator[str]:
    """Top-level names of the absolute imports under a folder."""
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                yield from (alias.name.partition(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                yield (node.module or "").partition(".")[0]
