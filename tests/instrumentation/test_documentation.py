"""What users read is what there is."""

import inspect
from pathlib import Path

from auditspan import instrumentation
from auditspan.instrumentation import environment_variables, policy_source, settings, transport

DOCS = (Path(__file__).parents[2] / "docs" / "instrumentation.md").read_text()
SETTINGS = "".join(map(inspect.getsource, (settings, transport, policy_source)))


def test_every_variable_is_documented_and_read() -> None:
    """A variable without a row, or one that nobody reads, is a mistake."""
    for name in dir(environment_variables):
        if name.startswith("AUDITSPAN_"):
            assert f"| `{name}` |" in DOCS
            assert f"names.{name}" in SETTINGS


def test_every_public_name_and_parameter_is_documented() -> None:
    """The table names what the folder exports, with its parameters."""
    for name in instrumentation.__all__:
        assert f"{name}" in DOCS
    for used in (instrumentation.identify, instrumentation.action, instrumentation.agent):
        for parameter in inspect.signature(used).parameters:
            assert parameter in DOCS
