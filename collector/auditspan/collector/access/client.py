"""`whoami` as the command line asks it: of a running collector, or of a stopped one's folder."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

from pydantic import JsonValue

from auditspan.collector import data_dir
from auditspan.collector.access.authority import Authority
from auditspan.collector.access.config import AccessConfig
from auditspan.collector.access.in_force import RegistryInForce
from auditspan.collector.access.whoami import described
from auditspan.collector.bindings import bindings_in_force
from auditspan.collector.control.errors import ControlDenied, ControlUnavailable, NotFound
from auditspan.collector.data_dir import DataDir
from auditspan.collector.errors import AlreadyRunning
from auditspan.collector.front.auth_config import AuthConfig
from auditspan.collector.front.refusals import Refusal, Unavailable
from auditspan.collector.reach import Way, api_address, get, token_of
from auditspan.collector.secret_files import OPERATOR_PREFIX, ensure_secrets
from auditspan.identity.api_keys import ApiKeys, looks_like_api_key
from auditspan.identity.credentials import Credentials


def whoami(
    data: Path, url: str = "", token_file: Path | None = None, ca_file: Path | None = None
) -> Mapping[str, JsonValue]:
    """What `GET /v1/whoami` answers to a token; without a file, to the operator's.

    Raises `ControlInvalid`, `ControlDenied`, `ControlUnavailable`, `NotFound`.
    """
    if url:
        token = token_of(token_file or data / "secrets" / "operator.token")
        return get(Way(url, ca_file), "/v1/whoami", token)
    if not (data / "instance").exists():
        raise NotFound(f"{data} is no data folder; name it with --data, or a collector with --url")
    folder = data_dir.prepare(data)
    try:
        with data_dir.locked(folder):
            # A folder that was only prepared has no token yet.
            ensure_secrets(folder)
            return asyncio.run(_stopped(folder, _token(folder, token_file)))
    except AlreadyRunning:
        return get(Way(api_address(folder), ca_file), "/v1/whoami", _token(folder, token_file))


def _token(data: DataDir, token_file: Path | None) -> str:
    return token_of(token_file or data.secret("operator.token"))


async def _stopped(data: DataDir, token: str) -> Mapping[str, JsonValue]:
    """The answer of the folder itself, whose lock the caller holds."""
    if not (looks_like_api_key(token) or token.startswith(OPERATOR_PREFIX)):
        raise ControlUnavailable(
            "the collector is stopped, and only a running one checks tokens of an identity "
            "provider: start it, or show an API key"
        )
    registry = RegistryInForce(data.folder("registry"))
    authority = Authority(
        AccessConfig(),
        ApiKeys(data.secret("api_keys.json")),
        ensure_secrets(data).operator_token,
        registry,
        bindings_in_force(registry, AuthConfig()),
    )
    try:
        caller = await authority.authenticate(Credentials(f"Bearer {token}", None))
    except Unavailable as error:
        raise ControlUnavailable(str(error)) from error
    except Refusal as error:
        raise ControlDenied(str(error)) from error
    return described(caller, registry())
