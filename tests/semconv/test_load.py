"""Files that cannot be read are named with their place."""

import shutil
from pathlib import Path

import pytest
from generator.load import SECTIONS, RegistryInvalid, load

PACKAGE = Path(__file__).parents[2] / "semconv" / "auditspan" / "semconv"


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A copy of the registry to break."""
    shutil.copytree(PACKAGE / "registry", tmp_path / "registry")
    shutil.copy(PACKAGE / "columns.yaml", tmp_path)
    return tmp_path


def replaced(path: Path, before: str, after: str) -> None:
    """Change the first place of a text."""
    text = path.read_text("utf-8")
    assert before in text
    path.write_text(text.replace(before, after, 1), "utf-8")


def test_all_sections_are_read(package: Path) -> None:
    """One section a file, none of them empty."""
    assert [name for name, found in load(package).sections.items() if found] == list(SECTIONS)


@pytest.mark.parametrize(
    ("file", "before", "after", "message"),
    [
        ("risk", "    type: int", "    typ: int", "risk.yaml: attributes.0"),
        ("risk", "    type: int", "    type: integer", "risk.yaml: attributes.0.type"),
        ("risk", "format: definition/2", "format: definition/1", "risk.yaml: file_format"),
        ("risk", "[collector]", "[anybody]", "annotations.auditspan.asserted_by.0"),
        ("risk", "        group: core", "        grp: core", "annotations.auditspan.grp"),
        ("risk", "attributes:", "attributes: [", "risk.yaml: "),
        ("spans", "required}", "must}", "spans.yaml: attribute_groups.0.attributes.0"),
        ("spans", "kind: client", "kind: user", "spans.yaml: spans.0.kind"),
    ],
)
def test_a_broken_file_is_named(
    package: Path, file: str, before: str, after: str, message: str
) -> None:
    """The message says file and place."""
    replaced(package / "registry" / f"{file}.yaml", before, after)
    with pytest.raises(RegistryInvalid) as caught:
        load(package)
    assert message in str(caught.value)


def test_a_file_that_nobody_lists(package: Path) -> None:
    """A new file without a place on the page is not silently left out."""
    (package / "registry" / "more.yaml").write_text("file_format: definition/2\n", "utf-8")
    with pytest.raises(RegistryInvalid, match="more"):
        load(package)
