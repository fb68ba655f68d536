"""Content leaves here only as far as it may be kept: hashed, captured by mode, without secrets.

In this order: arguments and results are hashed as they came; what a tool's capture mode does not
keep is removed, from our columns and from the raw attributes behind them; then secrets are taken
out of everything that is left. How many and where stands in the record
(`audit.content.redaction.*`). Personal data is another stage.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field

from auditspan.processors.batch import Batch, Mask
from auditspan.processors.capture import (
    Content,
    ContentNames,
    captured,
    message_content,
    modes,
    removed,
    tool_content,
    without_event_content,
)
from auditspan.processors.catalogue import Calls, calls
from auditspan.processors.hashes import content_hashes
from auditspan.processors.maps import replace_items
from auditspan.processors.redact import redact
from auditspan.processors.secrets import Secrets
from auditspan.processors.texts import text
from auditspan.registry.history import History
from auditspan.registry.models import Capture, CaptureMode


class PrivacyConfig(BaseModel):
    """How much content is kept."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    unregistered: Capture = Capture()
    """Capture for tools that are not registered."""
    messages: CaptureMode = "redacted"
    """The messages of model calls: none and hash remove them, redacted takes secrets out."""
    secrets: Secrets = Field(default_factory=Secrets.standard)
    """What counts as a secret."""
    content: ContentNames = Field(default_factory=ContentNames.standard)
    """Attributes that hold content."""


def privacy(
    batch: Batch, history: History, key: bytes, config: PrivacyConfig | None = None
) -> Batch:
    """Hash, capture and redact. `key` is what arguments and results are hashed with."""
    config = config or PrivacyConfig()
    called = calls(batch, history)
    arguments = modes(called, lambda tool: tool.capture.arguments, config.unregistered.arguments)
    results = modes(called, lambda tool: tool.capture.result, config.unregistered.result)
    view = batch.view("SpanAttributes")
    of_tools = [
        tool_content(batch, view, config.content.arguments, arguments, called),
        tool_content(batch, view, config.content.results, results, called),
    ]
    taken = np.concatenate([content.entries for content in of_tools])
    of_models = message_content(view, config.content.messages, config.messages, taken)
    contents = [*of_tools, of_models]
    hashes = content_hashes(text(batch, "ToolArguments"), key)
    digests = content_hashes(text(batch, "ToolResult"), key)
    batch = batch.with_columns(
        {
            **captured(batch, "ToolArguments", "ArgumentsHash", arguments, called, hashes),
            **captured(batch, "ToolResult", "ResultHash", results, called, digests),
            "Events": without_event_content(
                batch,
                config.content.events,
                {"arguments": _gone(called, arguments), "results": _gone(called, results)},
                config.messages,
            ),
        }
    )
    attributes = _without_removed(batch.column("SpanAttributes"), contents)
    batch = batch.with_items("SpanAttributes", attributes)
    whole = {
        "ToolArguments": called.mask([mode == "full" for mode in arguments]),
        "ToolResult": called.mask([mode == "full" for mode in results]),
    }
    if config.messages in ("none", "hash"):
        batch = _without_messages(batch, config.content.messages)
    entries = np.concatenate([content.entries[content.whole] for content in contents])
    return redact(batch, config.secrets, whole, entries)


def _gone(called: Calls, modes: Sequence[CaptureMode]) -> Mask:
    return called.mask([mode in ("none", "hash") for mode in modes])


def _without_messages(batch: Batch, names: Sequence[str]) -> Batch:
    """Without the messages that a dialect's words were translated to."""
    return replace(batch, derived={k: v for k, v in batch.derived.items() if k not in names})


def _without_removed(column: pa.MapArray, contents: Sequence[Content]) -> pa.MapArray:
    entries = np.concatenate([content.entries[content.gone] for content in contents])
    return replace_items(column, entries, removed(len(entries)))
