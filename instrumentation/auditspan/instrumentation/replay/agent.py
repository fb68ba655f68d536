"""The agent that conversations are run through: a real client, a real loop, recorded results.

Each recorded answer is one model call, each call that it requests one tool call, each conversation
one agent invocation.
"""

from dataclasses import dataclass

from openai import OpenAI
from openai.resources.chat.completions import Completions
from openai.types.chat import ChatCompletionMessage, ChatCompletionMessageFunctionToolCall
from pydantic import JsonValue
from wrapt import FunctionWrapper

from auditspan.instrumentation.action import action, agent
from auditspan.instrumentation.errors import ConversationsInvalid, PolicyDenied
from auditspan.instrumentation.identity import identify
from auditspan.instrumentation.replay.conversations import Conversation, Function
from auditspan.instrumentation.replay.counts import Counts
from auditspan.instrumentation.replay.playback_server import CONVERSATION_HEADER, MODEL
from auditspan.instrumentation.replay.turns import Turn, turns


@dataclass(frozen=True, slots=True)
class Agent:
    """Who acts, and on whose behalf."""

    client: OpenAI
    id: str
    name: str
    user: str
    """For conversations that do not say it, with `{conversation_id}`."""
    purpose: str
    """For conversations that do not say it."""

    def run(self, conversation: Conversation) -> Counts:
        """Run one conversation from its first message to its last."""
        id_ = conversation.conversation_id
        user = conversation.user or self.user.replace("{conversation_id}", id_)
        purpose = conversation.purpose or self.purpose
        with (
            identify(user=user, session=id_, purpose=purpose, trigger="replay"),
            agent(self.name, id=self.id, conversation=id_),
        ):
            return self._loop(conversation)

    def _loop(self, conversation: Conversation) -> Counts:
        """Say what the user said, and let the model and its tools do the rest."""
        history: list[JsonValue] = []
        counts = Counts()
        for turn in turns(conversation.messages):
            history += [message.sent() for message in turn.said]
            if turn.answered:
                answer = self._ask(history, conversation.conversation_id)
                history.append(answer.model_dump(exclude_none=True))
                counts += Counts(model_calls=1) + _use_tools(answer, turn, history)
        return counts

    def _ask(self, history: list[JsonValue], conversation_id: str) -> ChatCompletionMessage:
        completion = self.client.chat.completions.create(
            model=MODEL,
            messages=history,  # type: ignore[arg-type]
            extra_headers={CONVERSATION_HEADER: conversation_id},
        )
        return completion.choices[0].message


def _use_tools(answer: ChatCompletionMessage, turn: Turn, history: list[JsonValue]) -> Counts:
    """Call what the model requests, and tell it what came of it."""
    counts = Counts()
    for index, call in enumerate(answer.tool_calls or ()):
        if not isinstance(call, ChatCompletionMessageFunctionToolCall):
            continue
        function = Function(name=call.function.name, arguments=call.function.arguments)
        try:
            result = _call(function, call.id, turn.result(index, call.id))
            counts += Counts(tool_calls=1)
        except PolicyDenied as denied:
            result = str(denied)
            counts += Counts(tool_calls=1, denied=1)
        history.append({"role": "tool", "tool_call_id": call.id, "content": result or ""})
    return counts


def _call(function: Function, call_id: str, recorded: str | None) -> str | None:
    """A tool that does nothing and returns what it returned then."""
    arguments = function.values()
    with action(
        "execute_tool", tool=function.name, arguments=arguments, call_id=call_id, type="function"
    ) as act:
        act.result = recorded
    return recorded


def client(base_url: str) -> OpenAI:
    """A client of the scripted model. Raises ConversationsInvalid if its calls leave no trace."""
    if not isinstance(vars(Completions)["create"], FunctionWrapper):
        raise ConversationsInvalid(
            "the openai client is not instrumented: run pip install 'auditspan[openai]', and start "
            "with `opentelemetry-instrument python -m auditspan.instrumentation.replay`"
        )
    return OpenAI(base_url=base_url, api_key="scripted", max_retries=0, timeout=60.0)
