"""The controls as the command line uses them: through a running collector, or on a stopped one.

Whoever holds the data folder's lock is the one who changes it: if the lock is free, the change is
made here, else the process that holds it is asked at the address in `front.json`. With a URL only
that collector is asked.
"""

import asyncio
import json
import ssl
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

import httpx

from auditspan.collector import data_dir
from auditspan.collector.control import keys
from auditspan.collector.control.errors import (
    ControlInvalid,
    ControlUnavailable,
    NotFound,
)
from auditspan.collector.control.records import Why
from auditspan.collector.control.remote import RemoteClient
from auditspan.collector.control.service import Controls, Fields, open_controls
from auditspan.collector.control.stopped import submitting
from auditspan.collector.errors import AlreadyRunning
from auditspan.identity.files import read_private
from auditspan.registry import Bundle

TIMEOUT = 60.0
"""Seconds; a large bundle with many examples takes its time."""


class Client(Protocol):
    """What can be asked; `service.Controls` says what each does and raises."""

    def apply(self, bundle: Bundle, why: Why, *, dry_run: bool = False) -> Fields: ...
    def issue(self, wish: keys.Wish, why: Why) -> Fields: ...
    def revoke(self, key_id: str, why: Why) -> Fields: ...
    def list_keys(self) -> list[Fields]: ...
    def history(self) -> list[Fields]: ...
    def bundle(self, version: str = "") -> Bundle: ...


@dataclass(frozen=True, slots=True)
class Target:
    """Which collector is meant."""

    data: Path
    """Its data folder."""
    url: str = ""
    """Address of its API; "" asks whoever holds the data folder."""
    token_file: Path | None = None
    """Holds the operator's token; None is the one in the data folder."""
    ca_file: Path | None = None
    """Certificates to trust for https; None is the system's."""


@contextmanager
def connect(target: Target, *, create: bool = False) -> Iterator[Client]:
    """A client for the collector; with `create` a data folder is made if there is none."""
    if target.url:
        with _remote(target, _private(target.url)) as client:
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
            yield stack.enter_context(_remote(target, _address(data)))
            return
        submit = stack.enter_context(submitting(data))
        registry, api_keys = data.folder("registry"), data.secret("api_keys.json")
        yield LocalClient(open_controls(registry, api_keys, submit))


@dataclass(frozen=True, slots=True)
class LocalClient:
    """Works on a folder whose lock this process holds."""

    controls: Controls

    def apply(self, bundle: Bundle, why: Why, *, dry_run: bool = False) -> Fields:
        """Put a bundle in force."""
        return asyncio.run(self.controls.apply(bundle, why, dry_run=dry_run))

    def issue(self, wish: keys.Wish, why: Why) -> Fields:
        """Issue a key."""
        return asyncio.run(self.controls.issue(wish, why))

    def revoke(self, key_id: str, why: Why) -> Fields:
        """End a key."""
        return asyncio.run(self.controls.revoke(key_id, why))

    def list_keys(self) -> list[Fields]:
        """All keys."""
        return self.controls.list_keys()

    def history(self) -> list[Fields]:
        """Every version."""
        return self.controls.history()

    def bundle(self, version: str = "") -> Bundle:
        """The texts of a version."""
        return Bundle(self.controls.bundle(version))


def _address(data: data_dir.DataDir) -> str:
    """Where the process that holds the folder answers."""
    try:
        address = json.loads(data.front_json.read_text())["api"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ControlUnavailable(
            f"data folder {data.root} is in use, and its collector does not answer yet; try again"
        ) from error
    return str(address) if "://" in str(address) else f"http://{address}"


def _private(url: str) -> str:
    """The URL, if a token may be sent there. Raises ControlInvalid."""
    full = url if "://" in url else f"http://{url}"
    if full.startswith("https://") or (full.startswith("http://") and _loopback(full)):
        return full
    raise ControlInvalid(
        f"url {url!r}: expected https, or http on this machine: the operator's token would be "
        "readable on the way"
    )


def _loopback(url: str) -> bool:
    try:
        host = urlsplit(url).hostname or ""
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


@contextmanager
def _remote(target: Target, url: str) -> Iterator[RemoteClient]:
    path = target.token_file or target.data / "secrets" / "operator.token"
    try:
        token = read_private(path).decode().strip()
    except OSError as error:
        raise ControlInvalid(
            f"operator token {path}: {error.strerror}; name it with --token-file"
        ) from error
    verify = _trusting(target.ca_file) if target.ca_file else True
    headers = {"Authorization": f"Bearer {token}"}
    # No proxy from the environment: the token is for the collector alone.
    with httpx.Client(
        base_url=url, headers=headers, timeout=TIMEOUT, verify=verify, trust_env=False
    ) as http:
        yield RemoteClient(http)


def _trusting(ca_file: Path) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=str(ca_file))
    except (OSError, ssl.SSLError) as error:
        raise ControlInvalid(f"certificates {ca_file}: {error}") from error
