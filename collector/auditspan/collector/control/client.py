"""The controls as the command line uses them: through a running collector, or on a stopped one.

Whoever holds the data folder's lock is the one who changes it: if the lock is free, the change is
made here, else the process that holds it is asked at the address in `front.json`. With a URL only
that collector is asked. The rules are the same: who asks is whom the credential proves, and what
they may do stands in the registry in force.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import httpx

from auditspan.collector import data_dir
from auditspan.collector.control.deadletters_client import DeadLettersClient
from auditspan.collector.control.erasures_client import PrivacyClient
from auditspan.collector.control.errors import NotFound
from auditspan.collector.control.fields import Fields
from auditspan.collector.control.human_client import HumanClient
from auditspan.collector.control.log_keys_client import LogKeysClient
from auditspan.collector.control.records import Why
from auditspan.collector.control.remote import RemoteClient
from auditspan.collector.errors import AlreadyRunning
from auditspan.collector.reach import api_address, private_url, tls_of, token_of

if TYPE_CHECKING:
    # Most questions need none of them, and they take a second to import.
    from auditspan.collector.backup.client import BackupsClient
    from auditspan.collector.control.keys import Wish
    from auditspan.registry import Bundle

TIMEOUT = 60.0
"""Seconds; a large bundle with many examples takes its time."""


class Client(Protocol):
    """What can be asked; `service.Controls` and `changes.Changes` say what each does and raises."""

    def apply(self, bundle: "Bundle", why: Why, *, dry_run: bool = False) -> Fields: ...
    def changes(self, *, all: bool = False) -> list[Fields]: ...
    def change(self, start: str) -> Fields: ...
    def approve(self, start: str, reason: str) -> Fields: ...
    def reject(self, start: str, reason: str) -> Fields: ...
    def withdraw(self, start: str, reason: str) -> Fields: ...
    def agents(self) -> list[Fields]: ...
    def disable(self, agent: str, why: Why) -> Fields: ...
    def enable(self, agent: str, why: Why) -> Fields: ...
    def issue(self, wish: "Wish", why: Why) -> Fields: ...
    def revoke(self, key_id: str, why: Why) -> Fields: ...
    def list_keys(self) -> list[Fields]: ...
    def history(self) -> list[Fields]: ...
    def bundle(self, version: str = "") -> "Bundle": ...
    def human(self) -> HumanClient: ...
    def privacy(self) -> PrivacyClient: ...
    def log_keys(self) -> LogKeysClient: ...
    def dead_letters(self) -> DeadLettersClient: ...
    def backups(self, data: data_dir.DataDir) -> "BackupsClient": ...


@dataclass(frozen=True, slots=True)
class Target:
    """Which collector is meant, and by which credential."""

    data: Path
    """Its data folder."""
    url: str = ""
    """Address of its API; "" asks whoever holds the data folder."""
    token_file: Path | None = None
    """Holds an API key, a token, or the operator's token; None is the latter of the data folder."""
    ca_file: Path | None = None
    """Certificates to trust for https; None is the system's."""


@contextmanager
def connect(target: Target, *, create: bool = False) -> Iterator[Client]:
    """A client for the collector; with `create` a data folder is made if there is none."""
    if target.url:
        with _remote(target, target.url) as client:
            yield client
        return
    if not create and not (target.data / "instance").exists():
        raise NotFound(
            f"{target.data} is no data folder; name it with --data, or a collector with --url"
        )
    data = data_dir.prepare(target.data)
    with ExitStack() as stack:
        try:
            stack.enter_context(data_dir.locked(data))
        except AlreadyRunning:
            yield stack.enter_context(_remote(target, api_address(data)))
            return
        from auditspan.collector.control.local import local

        yield stack.enter_context(local(data, _token_file(target)))


def _token_file(target: Target) -> Path:
    return target.token_file or target.data / "secrets" / "operator.token"


@contextmanager
def _remote(target: Target, address: str) -> Iterator[RemoteClient]:
    url = private_url(address)
    token = token_of(_token_file(target))
    verify = tls_of(target.ca_file)
    headers = {"Authorization": f"Bearer {token}"}
    # No proxy from the environment: the token is for the collector alone.
    with httpx.Client(
        base_url=url, headers=headers, timeout=TIMEOUT, verify=verify, trust_env=False
    ) as http:
        yield RemoteClient(http, f"the credential in {_token_file(target)}")
