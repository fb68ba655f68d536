"""The folder stands alone: an auditor installs it, and nothing else of ours."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from auditspan.integrity import seal_schema, sealed_columns
from auditspan.semconv.columns import BY_NAME, PHYSICAL, UNSEALED

FOLDER = Path(seal_schema.__file__).parent
ALLOWED = sys.stdlib_module_names | {"cryptography"}


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.py")), ids=lambda path: path.name)
def test_what_is_imported(path: Path) -> None:
    """The standard library, `cryptography`, and its own modules."""
    for name in imported(path):
        ours = name.startswith("auditspan.integrity.")
        assert ours or name.partition(".")[0] in ALLOWED, name


def imported(path: Path) -> Iterator[str]:
    """Modules that a file imports."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            yield node.module or ""


def test_every_physical_column_is_sealed_or_excused() -> None:
    """No column of the registry is forgotten, and none stands twice."""
    sealed = [name for kinds in sealed_columns.GROUPS.values() for name in kinds]
    assert sorted([*sealed, *UNSEALED]) == sorted(column.name for column in PHYSICAL)
    for group, kinds in sealed_columns.GROUPS.items():
        assert {BY_NAME[name].group for name in kinds} == {group}


def test_kinds_are_known() -> None:
    """Each is one that has bytes."""
    for kind in sealed_columns.SCHEMA.kinds.values():
        parts = kind.strip("[]").split(",") if kind.startswith("[") else [kind]
        assert set(parts) <= set(seal_schema.KINDS)
