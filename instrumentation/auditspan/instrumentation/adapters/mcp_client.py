"""mcp, the client: every call of a server's tool, by `ClientSession.call_tool`.

All clients end there: `mcp.Client`, FastMCP's, those of agent frameworks. The trace goes along in
`_meta` (SEP-414); version 2 of the SDK writes it there itself.
https://opentelemetry.io/docs/specs/semconv/gen-ai/mcp/
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final
from weakref import WeakKeyDictionary

from opentelemetry.trace import SpanKind
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from opentelemetry.util.types import AttributeValue

from auditspan.instrumentation.act import Act
from auditspan.instrumentation.adapters.adapter import Adapter, Target
from auditspan.instrumentation.adapters.mcp_result import METHOD, denial, read
from auditspan.instrumentation.capture import json_text
from auditspan.instrumentation.chokepoint import Arguments, Chokepoint, Named
from auditspan.instrumentation.errors import PolicyDenied
from auditspan.semconv import attributes as names

NAME: Final = "mcp_client"
_MODULE: Final = "mcp.client.session"
_greeted: WeakKeyDictionary[Any, Any] = WeakKeyDictionary()
"""What servers said first, by session: version 1 does not keep it."""


def describe(
    session: Any, name: str, arguments: dict[str, Any] | None = None, *_: object, **__: object
) -> Act:
    """The call, and the server as it calls itself."""
    return Act(
        "execute_tool",
        name,
        None if arguments is None else json_text(arguments),
        attributes=METHOD | _server(session),
        framework=NAME,
        hop=True,
        kind=SpanKind.CLIENT,
    )


def deny(denied: PolicyDenied, *_: object, **__: object) -> object:
    """As a server tells of a tool that failed."""
    return denial(denied)


def _server(session: Any) -> dict[str, AttributeValue]:
    greeting = _greeted.get(session)
    info = getattr(session, "server_info", None) or getattr(greeting, "serverInfo", None)
    version = getattr(session, "protocol_version", None)
    found = {
        names.AUDIT_TOOL_SERVER: getattr(info, "name", None),
        names.MCP_PROTOCOL_VERSION: version or getattr(greeting, "protocolVersion", None),
    }
    return {name: str(value) for name, value in found.items() if value}


async def call_with_trace(
    wrapped: Callable[..., Awaitable[Any]], session: object, args: Arguments, kwargs: Named
) -> object:
    """Version 1 sends no trace: the call's own goes along, and nothing else of the context."""

    async def sending(*args: object, meta: Mapping[str, Any] | None = None, **more: Any) -> object:
        carried = dict(meta or {})
        TraceContextTextMapPropagator().inject(carried)
        return await wrapped(*args, meta=carried or None, **more)

    return await _POINT.around_async(sending, session, args, kwargs)


async def greet(
    wrapped: Callable[..., Awaitable[Any]], session: Any, args: Arguments, kwargs: Named
) -> object:
    """Keep what the server says of itself."""
    greeting = await wrapped(*args, **kwargs)
    _greeted[session] = greeting
    return greeting


_POINT: Final = Chokepoint(NAME, describe, deny, read)
_TASK: Final = Chokepoint(NAME, describe, read=read)
"""A denial is raised: an answer to this is a task, and there is none."""
ADAPTER: Final = Adapter(
    name=NAME,
    distribution="mcp",
    tested=">=1.30,<3",
    targets=(
        Target(_MODULE, "ClientSession.call_tool", _POINT.around_async, versions=">=2"),
        Target(_MODULE, "ClientSession.call_tool", call_with_trace, versions=">=1.30,<2"),
        # Its older signatures are not known here.
        Target(_MODULE, "ClientSession.call_tool", _POINT.around_async, versions="<1.30"),
        Target(_MODULE, "ClientSession.initialize", greet, versions="<2"),
        Target(
            "mcp.client.experimental.tasks",
            "ExperimentalClientFeatures.call_tool_as_task",
            _TASK.around_async,
            versions=">=1.30,<2",
        ),
    ),
)
