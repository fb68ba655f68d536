"""How a command reaches a running collector's API: its address, a way that nobody reads along, and
a token from a file that only its owner may read.

A collector may demand a client certificate (`tls.require_client_certificate`). It is one of this
machine or person rather than of a command, so it is named by the environment: AUDITSPAN_CERT_FILE
and AUDITSPAN_KEY_FILE, both in PEM.
"""

import json
import os
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import httpx
from pydantic import JsonValue

from auditspan.collector.control.errors import (
    ControlDenied,
    ControlError,
    ControlInvalid,
    ControlUnavailable,
)
from auditspan.collector.data_dir import DataDir
from auditspan.identity.errors import SecretFileInvalid
from auditspan.identity.files import read_private

CERT_VARIABLE: Final = "AUDITSPAN_CERT_FILE"
KEY_VARIABLE: Final = "AUDITSPAN_KEY_FILE"

TIMEOUT = 60.0
"""Seconds for an answer."""


@dataclass(frozen=True, slots=True)
class Way:
    """Where to, and by which certificates."""

    url: str
    """Address of the API; without scheme it is http."""
    ca_file: Path | None = None
    """Certificates to trust for https; None is the system's."""


def get(way: Way, path: str, token: str) -> Mapping[str, JsonValue]:
    """The answer to one request that carries a token.

    Raises `ControlInvalid`, `ControlDenied`, `ControlUnavailable`, `ControlError`.
    """
    url = private_url(way.url)
    verify = tls_of(way.ca_file)
    headers = {"Authorization": f"Bearer {token}"}
    try:
        # No proxy from the environment: the token is for the collector alone.
        with httpx.Client(
            base_url=url, headers=headers, timeout=TIMEOUT, verify=verify, trust_env=False
        ) as http:
            answer = http.get(path)
            fields = answer.json()
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise ControlUnavailable(f"collector at {url}: no answer ({error})") from error
    except ValueError as error:
        message = f"collector at {url}: answered {answer.status_code} without JSON"
        raise ControlUnavailable(message + "; is this the address of its API?") from error
    if answer.is_success and isinstance(fields, dict):
        return fields
    raise _error(answer.status_code, fields)


def token_of(path: Path) -> str:
    """The token in a file. Raises `ControlInvalid`."""
    try:
        return read_private(path).decode().strip()
    except (OSError, UnicodeDecodeError, SecretFileInvalid) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise ControlInvalid(f"token {path}: {reason}; name it with --token-file") from error


def api_address(data: DataDir) -> str:
    """Where the process that holds the folder answers. Raises `ControlUnavailable`."""
    try:
        return str(json.loads(data.front_json.read_text())["api"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ControlUnavailable(
            f"data folder {data.root} is in use, and its collector does not answer yet; try again"
        ) from error


def private_url(url: str) -> str:
    """The URL, if a token may be sent there. Raises `ControlInvalid`."""
    full = url if "://" in url else f"http://{url}"
    if full.startswith("https://") or (full.startswith("http://") and _loopback(full)):
        return full
    raise ControlInvalid(
        f"url {url!r}: expected https, or http on this machine: the token would be readable on "
        "the way"
    )


def tls_of(ca_file: Path | None) -> ssl.SSLContext | bool:
    """How an https address is checked, with the client certificate of the environment.

    Raises `ControlInvalid`.
    """
    cert, key = os.environ.get(CERT_VARIABLE), os.environ.get(KEY_VARIABLE)
    if not cert and not key:
        return trusting(ca_file) if ca_file else True
    if not cert or not key:
        raise ControlInvalid(f"a client certificate takes both {CERT_VARIABLE} and {KEY_VARIABLE}")
    context = trusting(ca_file) if ca_file else httpx.create_ssl_context(trust_env=False)
    try:
        read_private(Path(key))
        context.load_cert_chain(cert, key)
    except (OSError, ssl.SSLError, SecretFileInvalid) as error:
        raise ControlInvalid(
            f"client certificate {cert}, {key}: expected a chain and its key in PEM: {error}"
        ) from error
    return context


def trusting(ca_file: Path) -> ssl.SSLContext:
    """Trust these certificates. Raises `ControlInvalid`."""
    try:
        return ssl.create_default_context(cafile=str(ca_file))
    except (OSError, ssl.SSLError) as error:
        raise ControlInvalid(f"certificates {ca_file}: {error}") from error


def _loopback(url: str) -> bool:
    try:
        host = urlsplit(url).hostname or ""
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _error(status: int, fields: JsonValue) -> ControlError:
    error = fields.get("error") if isinstance(fields, dict) else None
    message = str(error.get("message")) if isinstance(error, dict) else f"answered {status}"
    if status in (401, 403):
        return ControlDenied(message)
    if status in (429, 503):
        return ControlUnavailable(message)
    return ControlError(f"collector: {message}")
