"""Reads of a stopped collector's store: the same credentials, the same roles, the same log.

The caller holds the lock of the data folder. Whoever owns the folder can read its files without
us; what is promised is that a read by this command is in the access log before its answer.
"""

import asyncio
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from auditspan.collector.access.authority import Authority
from auditspan.collector.access.config import AccessConfig
from auditspan.collector.access.in_force import RegistryInForce
from auditspan.collector.access.standing import standing
from auditspan.collector.bindings import bindings_in_force
from auditspan.collector.control.errors import ControlDenied, ControlUnavailable
from auditspan.collector.control.service import Submit
from auditspan.collector.control.stopped import operator
from auditspan.collector.data_dir import DataDir
from auditspan.collector.front.auth_config import AuthConfig
from auditspan.collector.front.refusals import Refusal, Unavailable
from auditspan.collector.query.claims import Claims
from auditspan.collector.query.gate import access_of
from auditspan.collector.query.limits import ReadLimits
from auditspan.collector.query.outcome import Asked, Outcome
from auditspan.collector.query.reads import Read
from auditspan.collector.query.runner import run
from auditspan.collector.reach import token_of
from auditspan.collector.secret_files import OPERATOR_PREFIX
from auditspan.identity.api_keys import ApiKeys, looks_like_api_key
from auditspan.identity.caller import Caller
from auditspan.identity.credentials import Credentials
from auditspan.identity.roles import Action
from auditspan.storage.engine import Engine
from auditspan.storage.query import Statement


@dataclass(frozen=True, slots=True)
class StoppedReader:
    """Reads a store in this process."""

    engine: Engine
    caller: Caller
    claims: Claims
    submit: Submit
    limits: ReadLimits = field(default_factory=ReadLimits)
    now_ns: Callable[[], int] = time.time_ns

    def read(self, statement: Statement) -> Outcome:
        """Run a statement and log it; refused ones too. Raises `ControlUnavailable`: no log, no
        answer."""
        at, began = self.now_ns(), time.perf_counter_ns()
        asked = Asked(statement, access_of(self.caller), secrets.token_hex(16))
        outcome = run(self.engine, asked, self.limits)
        took = time.perf_counter_ns() - began
        read = Read(asked.id, at, self.caller, self.claims, statement, asked.access, outcome, took)
        asyncio.run(self._log(read))
        return outcome

    async def _log(self, read: Read) -> None:
        await self.submit(read.record().to_json())


def caller_on(data: DataDir, token_file: Path | None) -> Caller:
    """Who reads, by a token that needs no other party to check it: the operator's or an API key.

    Without a file it is the operator's token of the folder, or the person at this machine if the
    folder has none. Raises `ControlDenied`, `ControlInvalid`, `ControlUnavailable`, `NotPermitted`.
    """
    own = data.secret("operator.token")
    if token_file is None and not own.exists():
        registry = RegistryInForce(data.folder("registry"))()
        caller = Caller(operator(), frozenset(standing(registry).roles))
    else:
        caller = asyncio.run(_proved(data, token_of(token_file or own)))
    caller.require(Action.READ)
    return caller


async def _proved(data: DataDir, token: str) -> Caller:
    if not (looks_like_api_key(token) or token.startswith(OPERATOR_PREFIX)):
        raise ControlUnavailable(
            "the collector is stopped, and only a running one checks tokens of an identity "
            "provider: start it, or show an API key"
        )
    own, registry = data.secret("operator.token"), RegistryInForce(data.folder("registry"))
    authority = Authority(
        AccessConfig(),
        ApiKeys(data.secret("api_keys.json")),
        token_of(own) if own.exists() else "",
        registry,
        bindings_in_force(registry, AuthConfig()),
    )
    try:
        return await authority.authenticate(Credentials(f"Bearer {token}", None, operator().id))
    except Unavailable as error:
        raise ControlUnavailable(str(error)) from error
    except Refusal as error:
        raise ControlDenied(str(error)) from error
