"""What kind of act a record is: `Operation` and `ActionType`, by the rules of
`classification.yaml`."""

from typing import Self

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import BaseModel, ConfigDict, model_validator

from auditspan.processors.attributes import Attributes
from auditspan.processors.batch import Batch
from auditspan.processors.data import data_file
from auditspan.processors.rules import Rule, matches, values
from auditspan.processors.texts import constant, first_of, mapped, nonempty, where

OTHER = "other"


class OperationRule(Rule):
    """A condition and the operation that it shows."""

    operation: str = ""
    """The operation."""
    copy_value: bool = False
    """The value itself is the operation."""

    @model_validator(mode="before")
    @classmethod
    def _named(cls, data: dict[str, object]) -> dict[str, object]:
        return {("copy_value" if key == "copy" else key): value for key, value in data.items()}

    @model_validator(mode="after")
    def _one_result(self) -> Self:
        if bool(self.operation) == self.copy_value:
            raise ValueError("give either `operation` or `copy`")
        return self


class ClassifyConfig(BaseModel):
    """Rules for the kind of act."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    operations: tuple[OperationRule, ...]
    """Operation of spans that do not name theirs; first match."""
    action_types: dict[str, tuple[str, ...]]
    """Action type to the operations of that type; the rest is `other`."""

    @classmethod
    def standard(cls) -> "ClassifyConfig":
        """The rules that ship."""
        data = data_file("classification.yaml")
        return cls.model_validate({key: data[key] for key in cls.model_fields})


def operations(batch: Batch, attributes: Attributes, config: ClassifyConfig) -> pa.Array:
    """The operation per record, `other` where nothing shows one."""
    named = attributes.text("gen_ai.operation.name")
    for rule, mask in matches(batch, attributes, config.operations, ~nonempty(named)):
        named = where(
            mask,
            values(batch, attributes, rule)
            if rule.copy_value
            else constant(rule.operation, len(batch)),
            named,
        )
    return first_of([named, constant(OTHER, len(batch))])


def action_types(operation: pa.Array, attributes: Attributes, config: ClassifyConfig) -> pa.Array:
    """The action type per record; a message of MCP is `mcp.` and its method."""
    types = {name: type for type, names in config.action_types.items() for name in names}
    result = mapped(operation, lambda name: types.get(name, OTHER))
    if not attributes.known("mcp.method.name"):
        return result
    method = attributes.text("mcp.method.name")
    dotted = pc.binary_join_element_wise("mcp", pc.replace_substring(method, "/", "."), ".")
    return where(nonempty(method), dotted, result)
