"""The control API over a real authority, asked by those whose credentials it proves."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx
from starlette.applications import Starlette

from auditspan.collector.access.authority import Authority
from auditspan.collector.access.config import AccessConfig
from auditspan.collector.access.in_force import RegistryInForce
from auditspan.collector.bindings import bindings_in_force
from auditspan.collector.control.api import endpoints, routes
from auditspan.collector.control.http import Endpoint
from auditspan.collector.control.service import Controls, Submit, open_controls
from auditspan.collector.front.auth_config import AuthConfig
from auditspan.identity.api_keys import ApiKeys

TOKEN = "aso_operator"


class Asking:
    """A collector's control API in this process."""

    def __init__(self, folder: Path, submit: Submit, token: str = TOKEN) -> None:
        self.keys = ApiKeys(folder / "api_keys.json")
        self.controls: Controls = open_controls(folder, folder / "api_keys.json", submit)
        registry = RegistryInForce(folder)
        bindings = bindings_in_force(registry, AuthConfig())
        config = AccessConfig(failures_per_minute=1000)
        self.authority = Authority(config, self.keys, token, registry, bindings)
        self.app = Starlette(routes=routes(self.controls, self.authority))

    @property
    def table(self) -> Sequence[Endpoint]:
        """Everything that can be asked."""
        return endpoints(self.controls)

    def key(self, principal: str, issued_by: str = "operator") -> str:
        """A key of somebody."""
        return self.keys.issue(principal, expires_at=2**40, issued_by=issued_by)[0]

    def __call__(self, method: str, path: str, bearer: str = TOKEN, **options: Any) -> Any:
        """One request below `/v1/control/`, with a bearer credential."""
        options.setdefault("headers", {"Authorization": f"Bearer {bearer}"})
        return asyncio.run(self._send(method, path, options))

    async def _send(self, method: str, path: str, options: dict[str, Any]) -> httpx.Response:
        transport = httpx.ASGITransport(self.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://front") as client:
            return await client.request(method, f"/v1/control/{path}", **options)
