"""An agent's loop: ask the model, run the tools that it wants, tell it what came of them.

The client is the real `openai` package, seen by its official instrumentation; the tools are asked
about and recorded with `auditspan.instrumentation.action`.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from openai import OpenAI
from opentelemetry import trace

from auditspan.instrumentation import PolicyDenied, action
from auditspan.instrumentation.replay.conversations import Conversation
from auditspan.instrumentation.replay.playback_server import CONVERSATION_HEADER, MODEL
from lumen.beneath import digest, note
from lumen.company import TOOLS

CATALOGUE = Path(__file__).parents[1] / "registry" / "tools"


@dataclass(slots=True)
class Assistant:
    """One agent with its instructions and the tools that it is told of."""

    instructions: str
    version: str
    tools: tuple[str, ...]
    last: str = ""
    """Span id of the last thing that it did."""

    def introduce(self) -> None:
        """Say on the agent's own span which build of it runs."""
        note(
            gen_ai__agent__version=self.version,
            gen_ai__agent__description=self.instructions.split(".")[0],
            gen_ai__workflow__name="lumen-desk",
            gen_ai__prompt__name="desk-instructions",
            gen_ai__prompt__version="2026-02",
            audit__agent__build__id=f"git:{digest(self.version)[7:19]}",
            audit__agent__framework="openai-python",
            audit__agent__definition__hash=digest(self.instructions),
            audit__ticket__system="helpdesk",
            audit__ticket__url="https://helpdesk.lumen.example/tickets",
        )

    def converse(self, conversation: Conversation) -> list[PolicyDenied]:
        """Hold a conversation; what was denied on the way."""
        history: list[Any] = [{"role": "system", "content": self.instructions}]
        said = [message for message in conversation.messages if message.role == "user"]
        denials: list[PolicyDenied] = []
        for number, message in enumerate(said, 1):
            history.append(message.sent())
            while calls := self._ask(history, conversation.conversation_id):
                for call, because in calls:
                    result = self._use(call, because, f"turn-{number}", denials)
                    history.append({"role": "tool", "tool_call_id": call.id, "content": result})
        return denials

    def _ask(self, history: list[Any], conversation_id: str) -> list[tuple[Any, str]]:
        """The next answer of the model: which tools it wants, and why."""
        completion = OpenAI().chat.completions.create(
            model=MODEL,
            messages=history,
            tools=list(definitions(self.tools)),
            extra_headers={CONVERSATION_HEADER: conversation_id},
        )
        answer = completion.choices[0].message
        history.append(answer.model_dump(exclude_none=True))
        return [(call, answer.content or "") for call in answer.tool_calls or ()]

    def _use(self, call: Any, because: str, turn: str, denials: list[PolicyDenied]) -> str:
        """Run a tool; a denial is told to the model as the tool's result."""
        name, arguments = call.function.name, json.loads(call.function.arguments)
        try:
            with action(tool=name, arguments=arguments, call_id=call.id, type="function") as act:
                self._say_why(because, turn, name)
                act.result = TOOLS[name](**arguments)
        except PolicyDenied as denied:
            denials.append(denied)
            return str(denied)
        except LookupError as error:
            return f"failed: {error}"
        return json.dumps(act.result)

    def _say_why(self, because: str, turn: str, tool: str) -> None:
        note(
            audit__decision__rationale=because,
            audit__turn__id=turn,
            audit__preceding__action__id=self.last,
            gen_ai__tool__description=str(catalogue()[tool]["description"]),
            # No person looked at the call before it was made.
            audit__automated_decision=True,
            audit__data__region="eu-north",
            audit__compliance__controls=["soc2_cc6.1"],
            audit__compliance__frameworks=["SOC 2"],
        )
        self.last = trace.format_span_id(trace.get_current_span().get_span_context().span_id)


@cache
def catalogue() -> dict[str, dict[str, Any]]:
    """The tools as the registry describes them, by name."""
    texts = [file.read_text(encoding="utf-8") for file in sorted(CATALOGUE.glob("*.yaml"))]
    entries = [entry for text in texts for entry in yaml.safe_load_all(text)]
    return {entry["name"]: entry for entry in entries}


def definitions(names: Iterable[str]) -> Iterable[Any]:
    """What the model is told of the tools."""
    for name in names:
        entry = catalogue()[name]
        function = {k: entry[k] for k in ("name", "description")}
        yield {"type": "function", "function": {**function, "parameters": entry["arguments"]}}
