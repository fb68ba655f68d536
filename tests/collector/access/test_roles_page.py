"""The page about roles says what the code does."""

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import yaml

from auditspan.collector.config import CollectorConfig
from auditspan.identity.roles import Role
from auditspan.registry import Bundle

DOCS = Path(__file__).parents[3] / "docs"
PAGE = (DOCS / "roles.md").read_text()


def generator() -> ModuleType:
    """`docs/generate.py`, which is a program and no module of a package."""
    spec = importlib.util.spec_from_file_location("docs_generate", DOCS / "generate.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_table_is_the_one_that_is_asked() -> None:
    """It is made from the code: `make docs` writes it."""
    assert generator().roles_markdown() == PAGE
    assert PAGE.count("| `") > len(Role)


def test_every_role_is_explained() -> None:
    """In the table at the top, once each."""
    top = PAGE.partition("<!--")[0]
    assert re.findall(r"^\| `(\w+)` \|", top, re.MULTILINE) == list(Role)


def test_the_entries_on_the_page_are_valid() -> None:
    """The person is one of a registry, the section one of a configuration, the two can approve."""
    person, section = re.findall(r"^```yaml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    registry = Bundle({"principals/ann.yaml": person}).registry()
    assert registry.approvers() == ("person:ann",)
    config = CollectorConfig.model_validate(yaml.safe_load(section))
    bound = registry.principals["person:ann"].credentials.jwt[0].issuer
    assert [issuer.issuer for issuer in config.service.access.issuers] == [bound]
    [people] = re.findall(r"<<'YAML'\n(.*?)\n *YAML", PAGE, re.DOTALL)
    two = Bundle({"principals/people.yaml": people}).registry()
    assert two.approvers() == ("person:ann", "person:ben")
