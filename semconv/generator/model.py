"""The YAML of the registry as frozen models: what a file may say, and nothing else.

Attributes, groups and spans are OpenTelemetry Weaver's `definition/2`
(https://github.com/open-telemetry/weaver/blob/main/schemas/semconv-syntax.v2.md); our own keys
stand under `annotations.auditspan`.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictFloat, StrictInt, StrictStr

Who = Literal["client", "guard", "gateway", "collector"]
Source = Literal["otlp", "envelope", "attribute", "derived", "seal", "erasure"]
Map = Literal["span", "derived", "resource"]
Scalar = StrictBool | StrictInt | StrictFloat | StrictStr
Stability = Literal["stable", "release_candidate", "beta", "alpha", "development"]
Primitive = Literal[
    "string", "int", "double", "boolean", "any", "string[]", "int[]", "double[]", "boolean[]"
]
UNSEALED = "unsealed"
"""What stands in place of a group for a column that is in none."""
Template = Annotated[str, Field(pattern=r"^template\[(string|int|double|boolean|any)(\[\])?\]$")]


class Strict(BaseModel):
    """Unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Ours(Strict):
    """What auditspan adds to an attribute."""

    asserted_by: tuple[Who, ...] = Field(min_length=1)
    """Who may assert it."""
    column: str = ""
    """Public name of its column."""
    clickhouse: str = ""
    """Type of the column."""
    group: str = ""
    """Integrity group."""
    storage: Literal["", "physical", "alias"] = ""
    """How the column is kept."""
    source: Source | Literal[""] = ""
    """Where a physical column gets its value first."""
    read: tuple[Map, ...] = ()
    """Maps that an alias is read from, first one that has it."""
    scope: Literal["span", "resource"] = "span"
    """Where the attribute stands."""
    content: bool = True
    """A reader does not see it. What nobody has said anything about is content."""
    shown: str = ""
    """SQL of what a reader sees in the column instead of its value."""


class Annotations(Strict):
    """Weaver's free annotations."""

    auditspan: Ours
    """Ours."""


class Member(Strict):
    """One known value of an open enumeration."""

    id: str
    """Its id."""
    value: str
    """The value on the wire."""
    brief: str
    """What it means."""
    stability: Stability
    """How settled it is."""


class Enumeration(Strict):
    """An open enumeration."""

    members: tuple[Member, ...] = Field(min_length=1)
    """Known values."""


class Attribute(Strict):
    """One attribute."""

    key: str
    """Its name."""
    type: Primitive | Template | Enumeration
    """Type of its values."""
    brief: str
    """One sentence."""
    note: str = ""
    """What else is worth knowing."""
    examples: tuple[Scalar | tuple[Scalar, ...], ...] = ()
    """Examples."""
    stability: Stability
    """How settled it is."""
    annotations: Annotations
    """Ours."""

    @property
    def ours(self) -> Ours:
        """What auditspan adds."""
        return self.annotations.auditspan

    @property
    def type_name(self) -> str:
        """The type in a word."""
        return "enum" if isinstance(self.type, Enumeration) else self.type

    @property
    def is_template(self) -> bool:
        """Whether the name goes on with a key."""
        return self.type_name.startswith("template[")

    @property
    def written(self) -> str:
        """The name as it is written; a template with a place for its key."""
        return f"{self.key}.<key>" if self.is_template else self.key


class Conditionally(Strict):
    """Required under a condition."""

    conditionally_required: str
    """The condition."""


Level = Literal["required", "recommended", "opt_in"] | Conditionally


class Ref(Strict):
    """An attribute of a span."""

    ref: str
    """Its name."""
    requirement_level: Level
    """How much it is asked for."""


class GroupRef(Strict):
    """The attributes of a group."""

    ref_group: str
    """Name of the group."""


Refs = tuple[Ref | GroupRef, ...]


class AttributeGroup(Strict):
    """Attributes that several spans share."""

    id: str
    """Name."""
    visibility: Literal["internal"]
    """Not published by itself."""
    attributes: tuple[Ref, ...]
    """The attributes."""


class SpanName(Strict):
    """How a span is named."""

    note: str
    """In words."""


class Span(Strict):
    """A type of span."""

    type: str
    """Name of the type."""
    kind: Literal["client", "server", "internal", "producer", "consumer"]
    """Span kind."""
    name: SpanName
    """How it is named."""
    brief: str
    """One sentence."""
    stability: Stability
    """How settled it is."""
    attributes: Refs
    """What stands on it."""


class SpanRefinement(Strict):
    """What an audit trail asks of a type of span beyond its standard."""

    id: str
    """Name."""
    ref: str
    """Type of span."""
    brief: str
    """One sentence."""
    attributes: Refs
    """What stands on it besides."""


class Definitions(Strict):
    """One file of the registry."""

    file_format: Literal["definition/2"]
    """Weaver's format."""
    attributes: tuple[Attribute, ...] = ()
    """Attributes."""
    attribute_groups: tuple[AttributeGroup, ...] = ()
    """Groups."""
    spans: tuple[Span, ...] = ()
    """Types of span."""
    span_refinements: tuple[SpanRefinement, ...] = ()
    """Refinements."""


class GroupEntry(Strict):
    """An integrity group."""

    name: str
    """Name."""
    erasable: bool
    """Whether it can be erased."""
    brief: str
    """What stands in it."""
    columns: tuple[str, ...]
    """Physical columns in order."""


class ColumnEntry(Strict):
    """A column that no attribute backs."""

    clickhouse: str
    """Type."""
    brief: str
    """One sentence."""
    source: Source | Literal[""] = ""
    """Where it comes from."""
    expression: str = ""
    """SQL, if it is computed."""
    content: bool = True
    """A reader does not see it."""


class Readers(Strict):
    """What readers see besides what is marked as no content."""

    attributes: tuple[str, ...]
    """Attributes of other vocabularies."""
    events: tuple[str, ...]
    """Names of events."""
    hidden_operations: tuple[str, ...]
    """Operations of control records that they do not see."""


class ColumnFile(Strict):
    """`columns.yaml`."""

    groups: tuple[GroupEntry, ...]
    """Groups in their order."""
    unsealed: dict[str, str]
    """Physical columns that no digest covers, and why."""
    columns: dict[str, ColumnEntry]
    """Columns without an attribute."""
    readers: Readers
    """What readers see besides."""
    reserved: dict[str, tuple[Who, ...]]
    """Families, and who may assert what is in them."""
    foreign: tuple[str, ...]
    """Names of others that ours must not collide with."""
