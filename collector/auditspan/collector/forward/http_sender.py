"""Requests to another backend over OTLP/HTTP (https://opentelemetry.io/docs/specs/otlp/#otlphttp)."""

import asyncio
import gzip
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

import httpx

from auditspan.collector.forward.answers import check_success
from auditspan.collector.forward.config import ForwardConfig
from auditspan.collector.forward.errors import Later, Refused
from auditspan.collector.forward.headers import read_headers
from auditspan.collector.forward.trust import Trust

_RETRYABLE: Final = (429, 502, 503, 504)
_TYPE: Final = "application/x-protobuf"
_LONGEST_ANSWER: Final = 1 << 16
"""Bytes; the words of a longer one are not heard."""


class HttpSender:
    """Sends over HTTP."""

    def __init__(self, config: ForwardConfig, trust: Trust) -> None:
        self._config = config
        # No proxy, .netrc or certificates out of the environment; a redirect could go anywhere.
        self._client = httpx.AsyncClient(
            verify=trust.context,
            timeout=config.timeout_seconds,
            trust_env=False,
            follow_redirects=False,
        )

    async def send(self, request: bytes) -> None:
        """Deliver a request. Raises `Refused`, `Later`."""
        # An answer that is not compressed cannot be larger than it looks.
        headers = [("content-type", _TYPE), ("accept-encoding", "identity")]
        headers += read_headers(self._config.headers_file)
        if self._config.compression == "gzip":
            headers.append(("content-encoding", "gzip"))
            request = await asyncio.to_thread(gzip.compress, request, 1)
        try:
            # httpx times each read, and a backend could answer a byte at a time.
            async with asyncio.timeout(self._config.timeout_seconds):
                await self._post(request, headers)
        except (httpx.HTTPError, TimeoutError) as error:
            raise Later(f"{self._config.endpoint}: {type(error).__name__}") from error

    async def _post(self, request: bytes, headers: list[tuple[str, str]]) -> None:
        url = self._config.url
        async with self._client.stream("POST", url, content=request, headers=headers) as answer:
            _check_status(answer)
            if answer.headers.get("content-type", "").startswith(_TYPE):
                check_success(await _body(answer))

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()


def _check_status(answer: httpx.Response) -> None:
    if answer.status_code in _RETRYABLE:
        after = _seconds(answer.headers.get("retry-after", ""))
        raise Later(f"the backend answered {answer.status_code}", after)
    if not answer.is_success:
        raise Refused(f"the backend answered {answer.status_code}")


async def _body(answer: httpx.Response) -> bytes:
    body = b""
    async for chunk in answer.aiter_raw():
        body += chunk
        if len(body) > _LONGEST_ANSWER:
            return b""
    return body


def _seconds(text: str) -> float:
    """`Retry-After` (RFC 9110 §10.2.3): seconds or a date."""
    if text.isdecimal():
        return float(text[:9])
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return 0.0
    return max(0.0, (at - datetime.now(UTC)).total_seconds()) if at.tzinfo else 0.0
