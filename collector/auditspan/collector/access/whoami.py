"""`GET /v1/whoami`: what the collector knows of who asks, for anybody who proves who they are.

    200 {"principal", "kind", "method", "credential", "roles", "actions", "email", "issued_by",
         "expires_at", "registry_version", "why"}

`expires_at` is that of the credential, RFC 3339 or empty. Errors are those of `http.py`.
"""

from collections.abc import Mapping
from datetime import UTC, datetime

from pydantic import JsonValue
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from auditspan.collector.access.authority import Authority
from auditspan.collector.access.http import caller_of, refused
from auditspan.collector.access.standing import standing
from auditspan.collector.front.refusals import Refusal
from auditspan.identity.caller import Caller
from auditspan.identity.roles import ALLOWED, Action, Role
from auditspan.registry import Registry


def whoami_routes(authority: Authority) -> list[Route]:
    """The route, for the application that front serves."""

    async def whoami(request: Request) -> JSONResponse:
        try:
            caller = await caller_of(request, authority)
        except Refusal as refusal:
            return refused(refusal)
        answer = JSONResponse(described(caller, authority.registry()))
        answer.headers["Cache-Control"] = "no-store"
        return answer

    return [Route("/v1/whoami", whoami, methods=["GET"])]


def described(caller: Caller, registry: Registry | None) -> Mapping[str, JsonValue]:
    """The answer for a caller under the registry in force."""
    principal = caller.principal
    return {
        "principal": principal.id,
        "kind": principal.kind,
        "method": principal.method,
        "credential": principal.credential,
        "roles": [role for role in Role if role in caller.roles],
        "actions": [action for action in Action if caller.may(action)],
        "email": caller.email,
        "issued_by": caller.issued_by,
        "expires_at": _time(principal.expires_at),
        "registry_version": registry.version if registry else "",
        "why": _why(caller, registry),
    }


def roles_for(action: Action) -> list[Role]:
    """The roles that allow an action."""
    return [role for role in Role if action in ALLOWED[role]]


def _why(caller: Caller, registry: Registry | None) -> str:
    if caller.principal.kind == "operator":
        return standing(registry).why
    if caller.principal.kind in ("agent", "relay"):
        return "agents and relays send records and do nothing else"
    if not caller.roles:
        return "the registry in force gives no role: ask for one (principals/*.yaml)"
    return "the registry in force gives these roles"


def _time(seconds: int) -> str:
    if not seconds:
        return ""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
