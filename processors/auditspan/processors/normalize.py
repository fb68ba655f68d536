"""Second stage: foreign words become ours, and every record gets its kind, effect, target and
outcome.

The raw attributes stay as they are in `SpanAttributes`. What a dialect says in other words goes
into our column where our own name says nothing, or, if it has no column, into `Derived`.
"""

from collections.abc import Callable, Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import BaseModel, ConfigDict, Field

from auditspan.processors.attributes import Attributes
from auditspan.processors.batch import Batch, mask_of
from auditspan.processors.catalogue import Calls, calls
from auditspan.processors.classify import ClassifyConfig, action_types, operations
from auditspan.processors.dialects import translate
from auditspan.processors.effects import EffectsConfig, effects, flagged
from auditspan.processors.outcome import OutcomeConfig, error_types, outcomes
from auditspan.processors.targets import TargetsConfig, targets
from auditspan.processors.texts import constant, first_of, where
from auditspan.registry.history import History
from auditspan.registry.models import Tool
from auditspan.semconv.dialects import Dialect

_TEXTS = {
    "AgentId": ("gen_ai.agent.id", "gen_ai.main_agent.id"),
    "AgentName": ("gen_ai.agent.name", "gen_ai.main_agent.name"),
    "ConversationId": ("gen_ai.conversation.id",),
    "SessionId": ("session.id",),
    "UserId": ("user.id", "enduser.id"),
    "Environment": ("deployment.environment.name", "deployment.environment"),
    "ToolName": ("gen_ai.tool.name",),
    "ToolArguments": ("gen_ai.tool.call.arguments",),
    "ToolResult": ("gen_ai.tool.call.result",),
    "ModelName": ("gen_ai.response.model", "gen_ai.request.model"),
}
"""Column to the attributes that fill it, first one that a record has."""
_COUNTS = {
    "InputTokens": ("gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens"),
    "OutputTokens": ("gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens"),
}
_CATALOGUED: Mapping[str, Callable[[Tool], str]] = {
    "audit.tool.server": lambda tool: tool.server,
    "audit.tool.version": lambda tool: tool.version,
    "audit.tool.schema.hash": lambda tool: tool.schema_hash,
    "audit.tool.description.hash": lambda tool: tool.description_hash,
    "audit.data.classification": lambda tool: tool.data_class,
}
"""What the catalogue knows of a tool that has no column."""
_FILLED = frozenset(name for names in (*_TEXTS.values(), *_COUNTS.values()) for name in names)


class NormalizeConfig(BaseModel):
    """Rules of the stage; the standard ones stand in `classification.yaml`."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    classify: ClassifyConfig = Field(default_factory=ClassifyConfig.standard)
    """Operation and action type."""
    effects: EffectsConfig = Field(default_factory=EffectsConfig.standard)
    """Effect of what is no tool call."""
    targets: TargetsConfig = Field(default_factory=TargetsConfig.standard)
    """Target of what the catalogue does not tell."""
    outcome: OutcomeConfig = Field(default_factory=OutcomeConfig.standard)
    """Outcome."""


def normalize(
    batch: Batch,
    dialects: Sequence[Dialect],
    history: History,
    subject_key: bytes,
    config: NormalizeConfig | None = None,
) -> Batch:
    """Translate and classify. `subject_key` is what data subjects are hashed with."""
    config = config or NormalizeConfig()
    attributes, dialect = translate(batch, Attributes.of(batch), dialects)
    operation = operations(batch, attributes, config.classify)
    action_type = action_types(operation, attributes, config.classify)
    batch = batch.with_columns(
        {
            "Dialect": dialect,
            "Operation": operation,
            "ActionType": action_type,
            **{name: _text(attributes, names) for name, names in _TEXTS.items()},
            **{name: _count(attributes, names) for name, names in _COUNTS.items()},
        }
    )
    called = calls(batch, history)
    found = targets(batch, attributes, called, subject_key, config.targets)
    effect = effects(operation, action_type, attributes, called, config.effects)
    batch = batch.with_columns(
        {
            "Effect": effect,
            "TargetType": found.type,
            "TargetId": found.id,
            "DataSubjectIds": found.subjects,
            "OutcomeStatus": outcomes(batch, attributes, config.outcome),
            "ErrorType": error_types(batch, attributes),
        }
    )
    batch = flagged(batch, effect, action_type, called)
    return batch.with_derived(_derived(attributes, called, found.path))


def _text(attributes: Attributes, names: Sequence[str]) -> pa.Array:
    known = [attributes.text(name) for name in names if attributes.known(name)]
    return first_of(known) if known else constant("", attributes.span.length)


def _count(attributes: Attributes, names: Sequence[str]) -> pa.Array:
    text = _text(attributes, names)
    # At most 18 digits: what is longer is no count and would not fit.
    digits = mask_of(pc.match_substring_regex(text, r"^\d{1,18}$"))
    return where(digits, text, constant("0", len(text))).cast(pa.uint64())


def _derived(attributes: Attributes, called: Calls, path: pa.Array) -> Mapping[str, pa.Array]:
    """What has no column: the rest of what the dialect says, and what the catalogue knows."""
    rest = {name: array for name, array in attributes.mapped.items() if name not in _FILLED}
    catalogued = {
        name: called.spread([get(tool) if tool else "" for tool in called.tools])
        for name, get in _CATALOGUED.items()
    }
    rest |= {"audit.target.path": path}
    return {name: _set(array) for name, array in {**rest, **catalogued}.items()}


def _set(array: pa.Array) -> pa.Array:
    """Null where there is nothing to attach."""
    return pc.if_else(pc.equal(array, ""), pa.scalar(None, pa.string()), array)
