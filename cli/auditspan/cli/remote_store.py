"""A collector or a ClickHouse server, asked over HTTP (https://clickhouse.com/docs/interfaces/http).

The token goes to the address alone: over https, or http on this machine; through no proxy of the
environment and after no redirect.
"""

import ssl
from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

import httpx
import pyarrow as pa

from auditspan.cli.errors import AnswerTorn, CollectorBusy, OptionInvalid, TokenRefused
from auditspan.identity.files import read_private
from auditspan.storage.errors import of_engine
from auditspan.storage.values import text

if TYPE_CHECKING:
    from auditspan.collector.query.claims import Claims

_TIMEOUT = 120.0
_REQUIRED_PASSWORD, _AUTHENTICATION_FAILED = 194, 516
_TRY_AGAIN = frozenset({201, 202, 210})
"""Too many failed attempts, too many statements, no engine or no access log now."""


class RemoteStore:
    """Reads through the ClickHouse interface at an address."""

    def __init__(
        self,
        url: str,
        user: str,
        token_file: Path | None,
        ca_file: Path | None = None,
        claims: "Claims | None" = None,
    ) -> None:
        self._url = url if "://" in url else f"http://{url}"
        headers = {"X-ClickHouse-User": user, **(_said(claims) if claims else {})}
        if token_file is not None:
            _check_private(self._url)
            headers["X-ClickHouse-Key"] = _token(token_file)
        self._http = httpx.Client(
            base_url=self._url,
            headers=headers,
            timeout=_TIMEOUT,
            verify=_tls_of(ca_file),
            trust_env=False,
        )

    def arrow(self, sql: str, params: Mapping[str, Any] | None = None) -> pa.Table:
        """Run one statement."""
        query = {f"param_{name}": text(value) for name, value in (params or {}).items()}
        query |= {"database": "auditspan", "default_format": "ArrowStream"}
        try:
            answer = self._http.post("/", params=query, content=sql.encode())
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise CollectorBusy(f"{self._url}: no answer ({error}); is it running?") from error
        if not answer.is_success:
            raise self._refusal(answer)
        try:
            return pa.ipc.open_stream(answer.content).read_all()
        except pa.ArrowInvalid as error:
            raise AnswerTorn(
                f"{self._url}: the answer is no Arrow stream ({error}); is this the address of a "
                "ClickHouse interface?"
            ) from error

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def _refusal(self, answer: httpx.Response) -> Exception:
        code = _code(answer.headers.get("x-clickhouse-exception-code", ""))
        words = answer.text.strip()[:4_000]
        if code in (_REQUIRED_PASSWORD, _AUTHENTICATION_FAILED):
            return TokenRefused(f"{self._url}: {words}; name the token's file with --token-file")
        if code in _TRY_AGAIN:
            return CollectorBusy(f"{self._url}: {words}")
        if not code:
            status = answer.status_code
            return CollectorBusy(
                f"{self._url}: answered {status} without a reason of ClickHouse; is this the "
                "address of its ClickHouse interface?"
            )
        return of_engine(RuntimeError(words), code)


def _said(claims: "Claims") -> dict[str, str]:
    """What a collector's access log keeps of this command; another server ignores it."""
    return {
        "X-Auditspan-Interface": claims.interface,
        "X-Auditspan-Report": quote(claims.report),
        "User-Agent": claims.client,
    }


def _code(header: str) -> int:
    return int(header) if header.isascii() and header.isdigit() else 0


def _token(path: Path) -> str:
    try:
        return read_private(path).decode().strip()
    except OSError as error:
        raise TokenRefused(
            f"token {path}: {(error.strerror or 'unreadable').lower()}; name its file "
            "with --token-file"
        ) from error
    except UnicodeDecodeError as error:
        raise TokenRefused(f"token {path}: expected text, found bytes") from error


def _check_private(url: str) -> None:
    """Raises TokenRefused if others could read the token on its way."""
    if url.startswith("https://") or (url.startswith("http://") and _loopback(url)):
        return
    raise TokenRefused(
        f"url {url!r}: expected https, or http on this machine: the token would be readable on "
        "the way"
    )


def _loopback(url: str) -> bool:
    try:
        host = urlsplit(url).hostname or ""
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _tls_of(ca_file: Path | None) -> ssl.SSLContext | bool:
    from auditspan.collector.control.errors import ControlInvalid
    from auditspan.collector.reach import tls_of

    try:
        return tls_of(ca_file)
    except ControlInvalid as error:
        raise OptionInvalid(str(error)) from error
