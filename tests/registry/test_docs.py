"""The user's page about the registry says what the code does."""

import re
from pathlib import Path

import pytest
import yaml

from auditspan.registry import Bundle, BundleInvalid
from auditspan.registry.reference import fields_markdown

PAGE = (Path(__file__).parents[2] / "docs" / "registry.md").read_text()


def test_every_key_is_documented() -> None:
    """The tables are those of the models; a new key must be written there."""
    assert PAGE.endswith(fields_markdown()), fields_markdown()


def test_the_example_on_the_page_is_an_example() -> None:
    """Its keys are valid; only its agent and tool are unknown in an empty registry."""
    [block] = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    assert yaml.safe_load(block)["expect"]["outcome"] == "require_approval"
    with pytest.raises(BundleInvalid) as caught:
        Bundle({"examples/e.yaml": block}).registry()
    assert [problem.path for problem in caught.value.problems] == ["agent", "tool"]
