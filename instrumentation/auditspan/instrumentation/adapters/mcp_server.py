"""mcp, the server: every call of a tool that comes in, by the handler of `tools/call`.

The handler is wrapped when it is looked up, so what middlewares made of a call is what is judged,
and it does not matter how a server was built: `MCPServer`, FastMCP, the low-level `Server`.
The record is below the caller's, told by `_meta` (SEP-414).
https://opentelemetry.io/docs/specs/semconv/gen-ai/mcp/
"""

from collections.abc import Awaitable, Callable, Mapping
from contextvars import ContextVar
from dataclasses import replace
from functools import partial
from typing import Any, Final

from opentelemetry.context import Context, attach, detach, get_current
from opentelemetry.trace import SpanKind, get_current_span, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from auditspan.instrumentation.act import Act
from auditspan.instrumentation.adapters.adapter import Adapter, Target
from auditspan.instrumentation.adapters.mcp_result import METHOD, denial, read
from auditspan.instrumentation.capture import json_text
from auditspan.instrumentation.chokepoint import Arguments, Chokepoint, Named, Wrapped
from auditspan.instrumentation.errors import PolicyDenied
from auditspan.instrumentation.host import contain
from auditspan.instrumentation.identity import NOBODY, Identity
from auditspan.semconv import attributes as names

NAME: Final = "mcp_server"
_MODULE: Final = "mcp.server.lowlevel.server"
Handler = Callable[..., Awaitable[Any]]


def describe(server: Any, context: Any, params: Any) -> Act:
    """The call, with what the request tells of its sender."""
    arguments = params.arguments
    request = getattr(context, "request", None)
    headers = getattr(request, "headers", {})
    version = getattr(context, "protocol_version", None) or headers.get("mcp-protocol-version")
    found = {
        names.AUDIT_TOOL_SERVER: server.name,
        names.JSONRPC_REQUEST_ID: getattr(context, "request_id", None),
        names.MCP_PROTOCOL_VERSION: version,
        names.MCP_SESSION_ID: headers.get("mcp-session-id"),
    }
    return Act(
        "execute_tool",
        params.name,
        None if arguments is None else json_text(arguments),
        attributes=METHOD | {name: str(value) for name, value in found.items() if value},
        framework=NAME,
        known=_known(request),
        kind=SpanKind.SERVER,
    )


def deny(denied: PolicyDenied, *_: object) -> object:
    """The result of a tool that failed; over HTTP the status is 200."""
    return denial(denied)


def _known(request: Any) -> Identity:
    """Whom the server's own check of the token named: a claim to us, who have not seen it."""
    from mcp.server.auth.middleware.auth_context import get_access_token

    if request is None:
        token = get_access_token()
    else:
        # A session's task keeps the context of its first request, which may be another user's.
        token = getattr(getattr(request, "scope", {}).get("user"), "access_token", None)
    subject = getattr(token, "subject", None) or (getattr(token, "claims", None) or {}).get("sub")
    return Identity(user=str(subject)) if subject else NOBODY


async def guarded(handler: Handler, server: object, context: Any, params: Any) -> object:
    """One call, in the trace of its sender."""
    attached = attach(_of_sender(getattr(context, "meta", None)) or get_current())
    try:
        return await _POINT.around_async(
            lambda *_: handler(context, params), server, (context, params), {}
        )
    finally:
        detach(attached)


@contain(None)
def _of_sender(meta: Any) -> Context | None:
    """The context with the sender's span, None if we are in its trace or it has none."""
    carrier = meta if isinstance(meta, Mapping) else getattr(meta, "model_extra", None)
    remote = get_current_span(TraceContextTextMapPropagator().extract(carrier or {}, Context()))
    if remote.get_span_context().trace_id in (0, get_current_span().get_span_context().trace_id):
        return None
    return set_span_in_context(remote)


def look_up(wrapped: Wrapped, server: object, args: Arguments, kwargs: Named) -> object:
    """Version 2: the handler of a method, guarded if it is the one that calls tools."""
    entry: Any = wrapped(*args, **kwargs)
    method = args[0] if args else kwargs.get("method")
    if method != "tools/call" or entry is None:
        return entry
    return replace(entry, handler=partial(guarded, entry.handler, server))


_serving: ContextVar[bool] = ContextVar("auditspan-mcp-serving", default=False)


async def handle(wrapped: Handler, server: Any, args: Arguments, kwargs: Named) -> object:
    """Version 1: one request; the handler that calls tools is guarded while it is served."""
    from mcp.types import CallToolRequest

    handler = server.request_handlers.get(CallToolRequest)
    if handler is not None and not isinstance(handler, _Guarded):
        server.request_handlers[CallToolRequest] = _Guarded(server, handler)
    token = _serving.set(True)
    try:
        return await wrapped(*args, **kwargs)
    finally:
        _serving.reset(token)


class _Guarded:
    """A handler of version 1; outside of `handle`, which may be taken away, as it was."""

    def __init__(self, server: Any, handler: Handler) -> None:
        self._server = server
        self._handler = handler

    async def __call__(self, request: Any) -> object:
        """Answer a request."""
        if not _serving.get():
            return await self._handler(request)

        async def answer(context: object, params: object) -> object:
            return await self._handler(request)

        result = await guarded(answer, self._server, self._server.request_context, request.params)
        return _as_server_result(result)


def _as_server_result(result: object) -> object:
    from mcp.types import CallToolResult, ServerResult

    return ServerResult(result) if isinstance(result, CallToolResult) else result


_POINT: Final = Chokepoint(NAME, describe, deny, read)
ADAPTER: Final = Adapter(
    name=NAME,
    distribution="mcp",
    tested=">=1.30,<3",
    targets=(
        Target(_MODULE, "Server.get_request_handler", look_up, versions=">=2"),
        Target(_MODULE, "Server._handle_request", handle, versions="<2"),
    ),
)
