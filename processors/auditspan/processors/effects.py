"""What a record did to the world: `Effect`.

A tool's effect stands in the tool catalogue and nowhere else; what a sender says of it counts for
nothing. An act whose effect nobody knows is `unknown`, never `read`.
"""

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
from pydantic import BaseModel, ConfigDict

from auditspan.processors.attributes import Attributes
from auditspan.processors.batch import Batch, Mask
from auditspan.processors.catalogue import Calls
from auditspan.processors.data import data_file
from auditspan.processors.texts import mapped, nonempty, where

UNKNOWN = "unknown"


class EffectsConfig(BaseModel):
    """Effect of what is no tool call."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    action_types: Mapping[str, str]
    """By action type; "" has no effect of its own."""
    operations: Mapping[str, str]
    """By operation; goes before the action type."""
    attributes: Mapping[str, Mapping[str, str]]
    """By attribute and its value in lower case, where the other two say nothing."""

    @classmethod
    def standard(cls) -> "EffectsConfig":
        """The rules that ship."""
        return cls.model_validate(data_file("classification.yaml")["effects"])


def effects(
    operation: pa.Array,
    action_type: pa.Array,
    attributes: Attributes,
    calls: Calls,
    config: EffectsConfig,
) -> pa.Array:
    """The effect per record."""
    told = mapped(operation, lambda name: config.operations.get(name, UNKNOWN))
    by_type = mapped(action_type, lambda name: config.action_types.get(name, UNKNOWN))
    result = where(is_unknown(told), by_type, told)
    for name, words in config.attributes.items():
        if attributes.known(name):
            read = _from_attribute(attributes.text(name), words)
            result = where(is_unknown(result) & nonempty(read), read, result)
    called = calls.mask([bool(name) for name in calls.names])
    catalogued = calls.spread([tool.effect if tool else UNKNOWN for tool in calls.tools])
    return where(called & is_tool_call(operation), catalogued, result)


def is_tool_call(operation: pa.Array) -> Mask:
    """Which records call a tool."""
    return np.asarray(
        pa.compute.equal(operation, "execute_tool").to_numpy(zero_copy_only=False), dtype=np.bool_
    )


def is_unknown(effect: pa.Array) -> Mask:
    """Whose effect nobody knows."""
    return np.asarray(
        pa.compute.equal(effect, UNKNOWN).to_numpy(zero_copy_only=False), dtype=np.bool_
    )


def _from_attribute(values: pa.Array, words: Mapping[str, str]) -> pa.Array:
    return mapped(values, lambda value: words.get(value.lower(), ""))


def flagged(batch: Batch, effect: pa.Array, action_type: pa.Array, calls: Calls) -> Batch:
    """Flag calls of tools that are not registered, and acts of ours with an unknown effect."""
    called = calls.mask(
        [bool(name) and tool is None for name, tool in zip(calls.names, calls.tools, strict=True)]
    )
    ours = ~np.asarray(pa.compute.equal(action_type, "other").to_numpy(zero_copy_only=False))
    return batch.flag("tool.unregistered", called).flag("effect.unknown", is_unknown(effect) & ours)
