"""The questions of a verification, asked of a collector that runs."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import httpx
import pyarrow as pa

from auditspan.cli.errors import AnswerTorn, CollectorBusy, OptionInvalid, TokenRefused
from auditspan.collector.query.verifying_path import path_of
from auditspan.collector.reach import private_url, tls_of, token_of
from auditspan.storage.values import text

if TYPE_CHECKING:
    from auditspan.collector.query.claims import Claims

_TIMEOUT = 320.0


class RemoteAsk:
    """Asks a collector's API."""

    def __init__(self, url: str, token: Path, ca_file: Path | None, claims: "Claims") -> None:
        self._url = private_url(url)
        self._http = httpx.Client(
            base_url=self._url,
            headers={
                "Authorization": f"Bearer {token_of(token)}",
                "X-Auditspan-Interface": claims.interface,
                "X-Auditspan-Report": quote(claims.report),
                "User-Agent": claims.client,
            },
            timeout=_TIMEOUT,
            verify=tls_of(ca_file),
            # No proxy from the environment: the token is for the collector alone.
            trust_env=False,
        )

    def ask(self, name: str, params: Mapping[str, Any]) -> pa.Table:
        """One question."""
        texts = {key: text(value) for key, value in params.items()}
        try:
            got = self._http.post(path_of(name), json=texts)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise CollectorBusy(f"{self._url}: no answer ({error}); is it running?") from error
        if not got.is_success:
            raise self._refusal(got)
        try:
            return pa.ipc.open_stream(got.content).read_all()
        except pa.ArrowInvalid as error:
            raise AnswerTorn(f"{self._url}: the answer is no Arrow stream ({error})") from error

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def _refusal(self, got: httpx.Response) -> Exception:
        try:
            words = str(got.json()["error"]["message"])
        except (ValueError, KeyError, TypeError):
            words = f"answered {got.status_code}; is this the address of a collector's API?"
        if got.status_code in (401, 403):
            return TokenRefused(f"{self._url}: {words}")
        if got.status_code == 400:
            return OptionInvalid(f"{self._url}: {words}")
        return CollectorBusy(f"{self._url}: {words}")
