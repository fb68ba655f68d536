"""One request to an anchor: no proxy, credentials or certificates out of the environment, no
redirect, and no answer longer than it may be.
"""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx

from auditspan.collector.anchors.errors import AnchorRefused, AnchorUnavailable, AnchorUnusable


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """What came."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def client(ca_file: Path | None, timeout: float, anchor: str) -> httpx.AsyncClient:
    """A client for one request. Raises `AnchorUnusable` if `ca_file` holds no certificates."""
    try:
        context = ssl.create_default_context(cafile=str(ca_file) if ca_file else None)
    except OSError as error:  # An SSLError is one.
        raise AnchorUnusable(
            f"anchor {anchor}: ca_file {ca_file}: expected certificates in PEM: {error}"
        ) from error
    return httpx.AsyncClient(
        verify=context, timeout=timeout, trust_env=False, follow_redirects=False
    )


async def exchange(
    http: httpx.AsyncClient, request: httpx.Request, longest: int, anchor: str
) -> HttpAnswer:
    """Send it. Raises `AnchorUnavailable`, and `AnchorRefused` for an answer that is too long."""
    # What is not compressed cannot be larger than it looks.
    request.headers["accept-encoding"] = "identity"
    try:
        answer = await http.send(request, stream=True)
        try:
            return HttpAnswer(
                answer.status_code, answer.headers, await _body(answer, longest, anchor)
            )
        finally:
            await answer.aclose()
    except httpx.HTTPError as error:
        raise AnchorUnavailable(
            f"anchor {anchor}: {request.url.host}: no answer ({type(error).__name__})"
        ) from error


async def _body(answer: httpx.Response, longest: int, anchor: str) -> bytes:
    body = b""
    async for chunk in answer.aiter_raw():
        body += chunk
        if len(body) > longest:
            raise AnchorRefused(f"anchor {anchor}: answer of more than {longest} bytes")
    return body
