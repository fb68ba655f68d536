"""Who asks a stopped collector: by the same credentials and rules as a running one.

API keys and the operator's token are checked here. A token of an identity provider is refused: its
keys are fetched and remembered by a running collector alone.
"""

import asyncio

from auditspan.collector.access.authority import Authority
from auditspan.collector.access.config import AccessConfig
from auditspan.collector.access.in_force import RegistryInForce
from auditspan.collector.bindings import bindings_in_force
from auditspan.collector.control.errors import ControlDenied, ControlError, ControlUnavailable
from auditspan.collector.data_dir import DataDir
from auditspan.collector.front.auth_config import AuthConfig
from auditspan.collector.front.refusals import Refusal
from auditspan.collector.secret_files import OPERATOR_PREFIX, ensure_secrets
from auditspan.identity.api_keys import ApiKeys, looks_like_api_key
from auditspan.identity.caller import Caller
from auditspan.identity.credentials import Credentials


def caller_of(data: DataDir, token: str) -> Caller:
    """Whom a token proves; the caller holds the lock of the folder. Raises ControlDenied,
    ControlUnavailable."""
    if not (looks_like_api_key(token) or token.startswith(OPERATOR_PREFIX)):
        raise ControlDenied(
            "the collector is stopped, and only a running one checks tokens of an identity "
            "provider: start the collector (`auditspan up`), or show an API key"
        )
    authority = _authority(data)
    try:
        return asyncio.run(authority.authenticate(Credentials(f"Bearer {token}", None)))
    except Refusal as error:
        kind: type[ControlError] = ControlUnavailable if error.retryable else ControlDenied
        raise kind(str(error)) from error


def _authority(data: DataDir) -> Authority:
    registry = RegistryInForce(data.folder("registry"))
    return Authority(
        AccessConfig(),
        ApiKeys(data.secret("api_keys.json")),
        ensure_secrets(data).operator_token,
        registry,
        bindings_in_force(registry, AuthConfig()),
    )
