"""On whose behalf and why the agent acts: a value of the OpenTelemetry context, never baggage.

Baggage is sent along with every request, to strangers too; this stays in the process and is written
on every span that starts under it.
"""

import asyncio
from collections.abc import Mapping
from contextvars import Token
from dataclasses import dataclass, fields, replace
from types import TracebackType
from typing import Final

from opentelemetry.context import Context, attach, create_key, detach, get_value, set_value
from opentelemetry.sdk.trace import Span

from auditspan.instrumentation.exchange import Proof
from auditspan.instrumentation.host import contain, contained
from auditspan.semconv import attributes as names

_KEY: Final = create_key("auditspan-identity")


@dataclass(frozen=True, slots=True)
class Identity:
    """What is known about the cause of an action. Everything but the proof is a claim."""

    user: str = ""
    session: str = ""
    conversation: str = ""
    purpose: str = ""
    justification: str = ""
    ticket: str = ""
    trigger: str = ""
    """What set it off: `user`, `schedule`, `webhook`, …"""
    trigger_id: str = ""
    task: str = ""
    agent_id: str = ""
    agent_name: str = ""
    proof: Proof | None = None
    """What the collector says about the user's token."""

    def over(self, outer: "Identity") -> "Identity":
        """This one, with the outer one's values where it has none."""
        missing = {
            field.name: getattr(outer, field.name)
            for field in fields(self)
            if not getattr(self, field.name)
        }
        return replace(self, **missing)

    def with_claims(self, known: "Identity") -> "Identity":
        """This one, with what a framework knows where nobody said it.

        Its user is not taken beside a proof, which is about another one.
        """
        return self.over(replace(known, user="") if self.proof is not None else known)

    def attributes(self) -> dict[str, str]:
        """What is written on spans."""
        if self is NOBODY:
            return {}
        found = {name: getattr(self, field) for field, name in _ATTRIBUTES.items()}
        if self.proof is not None:
            self.proof.refresh()
            found[names.AUDIT_IDENTITY_STATEMENT] = self.proof.statement
            found[names.AUDIT_IDENTITY_ERROR] = "" if self.proof.statement else self.proof.error
        return {name: value for name, value in found.items() if value}


NOBODY: Final = Identity()
_ATTRIBUTES: Final[Mapping[str, str]] = {
    "user": names.USER_ID,
    "session": names.SESSION_ID,
    "conversation": names.GEN_AI_CONVERSATION_ID,
    "purpose": names.AUDIT_PURPOSE,
    "justification": names.AUDIT_JUSTIFICATION_TEXT,
    "ticket": names.AUDIT_TICKET_ID,
    "trigger": names.AUDIT_TRIGGER_TYPE,
    "trigger_id": names.AUDIT_TRIGGER_ID,
    "task": names.AUDIT_TASK_ID,
    "agent_id": names.GEN_AI_AGENT_ID,
    "agent_name": names.GEN_AI_AGENT_NAME,
}


def current(context: Context | None = None) -> Identity:
    """The identity in force."""
    found = get_value(_KEY, context)
    if found is None and context is not None:
        # Somebody passed a context of their own, made elsewhere.
        found = get_value(_KEY)
    return found if isinstance(found, Identity) else NOBODY


def enter(identity: Identity) -> Token[Context]:
    """Put an identity in force until `leave`."""
    return attach(set_value(_KEY, identity))


def within(identity: Identity, context: Context) -> Context:
    """A context with an identity in force."""
    return set_value(_KEY, identity, context)


def leave(token: Token[Context]) -> None:
    """Put the former one in force again."""
    detach(token)


def stamp(span: Span, context: Context | None, own: Mapping[str, str]) -> None:
    """Write the identity in force on a span, where the span does not say it itself."""
    stamped = {**own, **current(context).attributes()}
    present = span.attributes or {}
    missing = {name: value for name, value in stamped.items() if name not in present}
    if missing:
        span.set_attributes(missing)


class identify:
    """Say on whose behalf everything inside happens: `with identify(…)` or `async with`.

    The user's token is exchanged for the collector's statement, once; what is passed as `user` is
    a claim. What is left out holds as outside. Entering never raises: without the collector the
    actions are recorded as `identity.unresolved`, and a guard that enforces and fails closed
    denies.
    """

    def __init__(
        self,
        *,
        user_token: str = "",
        user: str = "",
        session: str = "",
        purpose: str = "",
        ticket: str = "",
        conversation: str = "",
        justification: str = "",
        trigger: str = "",
        trigger_id: str = "",
        task: str = "",
    ) -> None:
        self._user_token = user_token
        self._identity = Identity(
            user=user,
            session=session,
            conversation=conversation,
            purpose=purpose,
            justification=justification,
            ticket=ticket,
            trigger=trigger,
            trigger_id=trigger_id,
            task=task,
        )
        self._tokens: list[Token[Context]] = []

    def __enter__(self) -> "identify":
        with contained("identify"):
            proof = self._proof()
            if proof is not None:
                proof.obtain()
            self._enter(proof)
        return self

    async def __aenter__(self) -> "identify":
        with contained("identify"):
            proof = self._proof()
            if proof is not None and proof.due:
                await asyncio.to_thread(proof.obtain)
            self._enter(proof)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._tokens:
            leave(self._tokens.pop())

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.__exit__(kind, error, trace)

    @contain(None)
    def _proof(self) -> Proof | None:
        if not self._user_token:
            return None
        from auditspan.instrumentation.runtime import runtime

        return runtime().exchange.proof(self._user_token)

    def _enter(self, proof: Proof | None) -> None:
        outer = current()
        if self._user_token or self._identity.user:
            # Another user: nothing that was proved about the outer one holds for this one.
            outer = replace(outer, proof=None, user="")
        self._tokens.append(enter(replace(self._identity, proof=proof).over(outer)))
