"""Every `audit.*` name that the code uses is registered, and so documented."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from auditspan.semconv.columns import ASSERTED_BY

ROOT = Path(__file__).parents[2]
FOLDERS = sorted(path.parent for path in ROOT.glob("*/auditspan"))
_NAME = re.compile(r"audit(\.[a-z0-9_]+){1,5}")
_TEMPLATES = tuple(name.removesuffix("<key>") for name in ASSERTED_BY if name.endswith("<key>"))


def texts(folder: Path) -> Iterator[tuple[Path, str]]:
    """String literals of the modules, and all texts of the YAML data, under a folder."""
    for path in folder.glob("auditspan/**/*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield path, node.value
    for path in folder.glob("auditspan/**/*.yaml"):
        yield from ((path, text) for text in _leaves(yaml.safe_load(path.read_text("utf-8"))))


def _leaves(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _leaves(key)
            yield from _leaves(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _leaves(inner)
    elif isinstance(value, str):
        yield value


@pytest.mark.parametrize(
    "folder", [f for f in FOLDERS if f.name != "semconv"], ids=lambda f: f.name
)
def test_names_in_code_are_registered(folder: Path) -> None:
    """A misspelt name would be an empty column."""
    unknown = {
        (path.name, text)
        for path, text in texts(folder)
        if _NAME.fullmatch(text) and text not in ASSERTED_BY and not text.startswith(_TEMPLATES)
    }
    assert unknown == set()
