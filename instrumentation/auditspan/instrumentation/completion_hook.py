"""What a model asked for and was told, from the official instrumentations' completion hook.

The hook is called when a model has answered, for streams too, whatever the client; content is put
on the span of the call as `gen_ai.*` says:
https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-spans/#capturing-instructions-inputs-and-outputs
By default that is the tool calls which the model requested, with their arguments, and no messages.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Final

from opentelemetry._logs import LogRecord
from opentelemetry.trace import Span
from opentelemetry.util.types import AttributeValue

from auditspan.instrumentation.capture import cut, json_text
from auditspan.instrumentation.host import contained
from auditspan.instrumentation.runtime import runtime
from auditspan.semconv import attributes as names

_CALLS: Final = frozenset({"tool_call", "server_tool_call"})


class CompletionHook:
    """Found by name through `OTEL_INSTRUMENTATION_GENAI_COMPLETION_HOOK=auditspan`."""

    def on_completion(
        self,
        *,
        inputs: Sequence[object],
        outputs: Sequence[object],
        system_instruction: Sequence[object],
        tool_definitions: Sequence[object] | None = None,
        span: Span | None = None,
        log_record: LogRecord | None = None,
    ) -> None:
        """A model has answered."""
        if span is None or not span.is_recording():
            return
        with contained("completion"):
            settings = runtime().settings
            found: dict[str, Sequence[object]] = {}
            if "messages" in settings.capture:
                found = {
                    names.GEN_AI_INPUT_MESSAGES: inputs,
                    names.GEN_AI_OUTPUT_MESSAGES: outputs,
                    names.GEN_AI_SYSTEM_INSTRUCTIONS: system_instruction,
                    names.GEN_AI_TOOL_DEFINITIONS: tool_definitions or (),
                }
            elif "calls" in settings.capture:
                found = {names.GEN_AI_OUTPUT_MESSAGES: requested_calls(outputs)}
            span.set_attributes(_texts(found, settings.capture_max_bytes))


def requested_calls(outputs: Sequence[object]) -> list[object]:
    """The answers that request tool calls, without anything else that they say."""
    return [kept for output in outputs if (kept := _calls_of(_fields(output)))]


def _calls_of(message: Mapping[str, object]) -> dict[str, object]:
    parts = message.get("parts")
    calls = [
        part for part in map(_fields, parts if isinstance(parts, list) else ()) if _is_call(part)
    ]
    return {**message, "parts": calls} if calls else {}


def _is_call(part: Mapping[str, object]) -> bool:
    return part.get("type") in _CALLS


def _fields(value: object) -> Mapping[str, object]:
    """A message or a part as a mapping."""
    if isinstance(value, Mapping):
        return value
    if dataclasses.is_dataclass(value):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    return {}


def _texts(found: Mapping[str, Sequence[object]], limit: int) -> dict[str, AttributeValue]:
    return {name: cut(json_text(value), limit) for name, value in found.items() if value}
