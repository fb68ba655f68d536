"""Requests to another backend over OTLP/HTTP (https://opentelemetry.io/docs/specs/otlp/#otlphttp)."""

import gzip
import ssl
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

import httpx

from auditspan.collector.forward.answers import check_success
from auditspan.collector.forward.config import ForwardConfig
from auditspan.collector.forward.errors import Later, Refused
from auditspan.collector.forward.headers import read_headers

_RETRYABLE: Final = (429, 502, 503, 504)
_TYPE: Final = "application/x-protobuf"


class HttpSender:
    """Sends over HTTP."""

    def __init__(self, config: ForwardConfig) -> None:
        self._config = config
        trust = ssl.create_default_context(cafile=str(config.ca_file) if config.ca_file else None)
        # No proxy, .netrc or certificates out of the environment; a redirect could go anywhere.
        self._client = httpx.AsyncClient(
            verify=trust, timeout=config.timeout_seconds, trust_env=False, follow_redirects=False
        )

    async def send(self, request: bytes) -> None:
        """Deliver a request. Raises `Refused`, `Later`."""
        headers = [("content-type", _TYPE), *read_headers(self._config.headers_file)]
        if self._config.compression == "gzip":
            headers.append(("content-encoding", "gzip"))
            request = gzip.compress(request, 1)
        try:
            answer = await self._client.post(self._config.url, content=request, headers=headers)
        except httpx.HTTPError as error:
            raise Later(f"{self._config.endpoint}: {type(error).__name__}") from error
        _check(answer)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()


def _check(answer: httpx.Response) -> None:
    if answer.status_code in _RETRYABLE:
        after = _seconds(answer.headers.get("retry-after", ""))
        raise Later(f"the backend answered {answer.status_code}", after)
    if not answer.is_success:
        raise Refused(f"the backend answered {answer.status_code}")
    if answer.headers.get("content-type", "").startswith(_TYPE):
        check_success(answer.content)


def _seconds(text: str) -> float:
    """`Retry-After` (RFC 9110 §10.2.3): seconds or a date."""
    if text.isdecimal():
        return float(text[:9])
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return 0.0
    return max(0.0, (at - datetime.now(UTC)).total_seconds()) if at.tzinfo else 0.0
