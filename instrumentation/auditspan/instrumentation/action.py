"""`with action(…)` for what is no function of its own, and `with agent(…)` around an agent's run.

Both are asked about when the block is entered: a denial raises there, and the block does not run.
Both also work as `async with`.
"""

from collections.abc import Mapping
from contextlib import ExitStack
from types import TracebackType
from typing import Self

from opentelemetry.util.types import AttributeValue

from auditspan.instrumentation.act import Act
from auditspan.instrumentation.call import Call, Unrecorded, begin
from auditspan.instrumentation.capture import json_text
from auditspan.instrumentation.host import contain, contained
from auditspan.instrumentation.identity import Identity, current, enter, leave
from auditspan.semconv import attributes as names


class _Block:
    """A block of code that is one act."""

    def __init__(self) -> None:
        self.result: object = None
        """What came of it; set it inside."""
        self._call: Call = Unrecorded()
        self._stack = ExitStack()

    def _act(self) -> Act:
        raise NotImplementedError

    def __enter__(self) -> Self:
        self._call = begin(self._act())
        with contained("enter"):
            self._stack.enter_context(self._call.active())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with contained("exit"):
            self._stack.close()
        if error is None:
            self._call.succeeded(self.result)
        else:
            self._call.failed(error)

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.__exit__(kind, error, trace)


class action(_Block):
    """An act in a block: `with action("execute_tool", tool="crm.delete", target=…) as act`."""

    def __init__(
        self,
        operation: str = "execute_tool",
        *,
        tool: str = "",
        target: str | tuple[str, str] = "",
        arguments: Mapping[str, object] | None = None,
        type: str = "",
        server: str = "",
        call_id: str = "",
        capture: bool | None = None,
    ) -> None:
        """`target` is an identifier, or kind and identifier."""
        super().__init__()
        self._operation = operation
        self._tool = tool
        self._target = ("", target) if isinstance(target, str) else target
        self._arguments = arguments
        self._capture = capture
        self._attributes: dict[str, AttributeValue] = {
            name: value
            for name, value in (
                (names.GEN_AI_TOOL_TYPE, type),
                (names.AUDIT_TOOL_SERVER, server),
                (names.GEN_AI_TOOL_CALL_ID, call_id),
            )
            if value
        }

    def _act(self) -> Act:
        return Act(
            operation=self._operation,
            name=self._tool,
            arguments=self._argument_text(),
            target_type=self._target[0],
            target_id=self._target[1],
            capture=self._capture,
            attributes=self._attributes,
        )

    @contain(None)
    def _argument_text(self) -> str | None:
        return None if self._arguments is None else json_text(self._arguments)


class agent(_Block):
    """An agent's run: `with agent("support", conversation=…)`.

    Everything inside is recorded as of this agent and conversation.
    """

    def __init__(self, name: str = "", *, id: str = "", conversation: str = "") -> None:
        super().__init__()
        self._identity = Identity(agent_id=id, agent_name=name, conversation=conversation)
        self._name = name or id

    def _act(self) -> Act:
        return Act(operation="invoke_agent", name=self._name)

    def __enter__(self) -> Self:
        with contained("enter"):
            token = enter(self._identity.over(current()))
            self._stack.callback(leave, token)
        try:
            return super().__enter__()
        except BaseException:
            self._stack.close()
            raise
