"""`GET /v1/policies`: the policies in force for the agent that asks, signed for keeping.

    200 {"policies": "<JWS>", "number": <n>, "expires_at": <Unix seconds>}

    401 not authenticated     403 no agent     404 no registry is in force     503 try again

Errors are those of `/v1/identities`. The number is the time at which the registry came into force.
"""

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from auditspan.collector.control.versions import Versions
from auditspan.collector.front.auth_config import PoliciesConfig
from auditspan.collector.front.authentication import Authenticator
from auditspan.collector.front.http_server import credentials_of
from auditspan.collector.front.identities import Answer, answer_of, refused
from auditspan.collector.front.refusals import NotAllowed, Refusal, Unavailable
from auditspan.identity.credentials import Credentials
from auditspan.identity.principal import Principal
from auditspan.identity.signed_policies import SignedPolicies, signed
from auditspan.registry import Version
from auditspan.registry.agent_slice import slice_for
from auditspan.registry.errors import BundleInvalid

PATH: Final = "/v1/policies"


class NothingInForce(Refusal):
    """No registry was ever applied."""

    status = 404
    grpc = "NOT_FOUND"
    code = "nothing_in_force"


class SignedPoliciesOf:
    """Gives agents their policies."""

    def __init__(
        self,
        config: PoliciesConfig,
        authenticator: Authenticator,
        key: Ed25519PrivateKey,
        registry: Path,
        deployment: str,
        calendar: Mapping[str, str | tuple[str, ...]],
        *,
        now: Callable[[], float] = time.time,
    ) -> None:
        """`registry` is `<data>/registry`, `deployment` is `<domain>/<deployment>`."""
        self._config = config
        self._authenticator = authenticator
        self._key = key
        self._versions = Versions(registry)
        self._deployment = deployment
        self._calendar = calendar
        self._now = now

    async def answer(self, credentials: Credentials) -> Answer:
        """Answer a request. Raises nothing."""
        try:
            principal = await self._authenticator.authenticate(credentials)
            policies = self.for_agent(principal)
        except Refusal as refusal:
            return refused(refusal)
        return answer_of(
            200,
            {
                "policies": signed(self._key, policies),
                "number": policies.number,
                "expires_at": policies.expires_at,
            },
        )

    def for_agent(self, principal: Principal) -> SignedPolicies:
        """The policies of the agent that the credential proved. Raises `Refusal`."""
        if principal.kind != "agent":
            raise NotAllowed(
                "policies are for agents with a credential of their own: use an API key of the "
                "agent (`auditspan keys issue <agent id>`)"
            )
        version = self._in_force()
        now = int(self._now())
        return SignedPolicies(
            deployment=self._deployment,
            agent=principal.agent_id,
            number=version.applied_at_ns,
            issued_at=now,
            expires_at=now + self._config.lifetime_seconds,
            calendar=self._calendar,
            files=slice_for(version.registry, principal.agent_id).files,
        )

    def _in_force(self) -> Version:
        try:
            version = self._versions.last()
        except (OSError, BundleInvalid) as error:
            raise Unavailable(f"the registry cannot be read: {error}", 60.0) from error
        if version is None:
            raise NothingInForce("no registry is in force: `auditspan apply <folder>`")
        return version


def policies_route(policies: SignedPoliciesOf) -> Route:
    """The route of the OTLP/HTTP port."""

    async def given(request: Request) -> Response:
        found = await policies.answer(credentials_of(request))
        return Response(found.body, found.status, dict(found.headers))

    return Route(PATH, given, methods=["GET"])
