"""What a request may ask: one statement, and nothing that means something else on a server."""

import gzip
from typing import Any

import httpx
import pytest

from tests.collector.query.conftest import Running


def ask(running: Running, *, url: str = "", body: bytes = b"", **headers: str) -> httpx.Response:
    """Ask with the investigator's key."""
    headers = {"X-ClickHouse-Key": running.token, **headers}
    return httpx.post(running.url + url, content=body, headers=headers, timeout=20)


@pytest.mark.parametrize(
    "query",
    [
        "session_check=1", "session_timeout=60", "session_anything=1", "profile=default",
        "role=admin", "decompress=1", "compress=1", "user=x", "password=x", "access_token=x",
        "query=SELECT+2&query=SELECT+1", "query=SELECT+2", "database=system", "param_x=1&param_x=2",
        "cancel_http_readonly_queries_on_client_close=0",
    ],
)  # fmt: skip
def test_what_means_something_else_on_a_server_is_refused(running: Running, query: str) -> None:
    """Another profile, role, session, format of the bytes, user, or a second statement."""
    response = ask(running, url=f"?{query}", body=b"SELECT 1")
    assert response.status_code in (400, 404), response.text
    assert response.headers["X-ClickHouse-Exception-Code"] != "0"
    assert response.text != "1\n"


@pytest.mark.parametrize(
    "query", ["session_id=abc", "quota_key=me", "query_id=q1", "compress=0", "log_comment=x"]
)
def test_what_clients_send_along_means_nothing(running: Running, query: str) -> None:
    """clickhouse-connect makes a session id up for every client; no session ever exists."""
    assert ask(running, url=f"?{query}", body=b"SELECT 1").text == "1\n"


def test_multipart_is_refused(running: Running) -> None:
    """It would bring tables of its own along."""
    headers = {"X-ClickHouse-Key": running.token}
    files = {"t": ("t.csv", b"1,2")}
    url = running.url + "?query=SELECT+1"
    response = httpx.post(url, files=files, headers=headers)
    assert (response.status_code, "multipart" in response.text) == (400, True)


@pytest.mark.parametrize("encoding", ["br", "deflate", "zstd", "gzip, gzip", "lz4"])
def test_another_encoding_is_refused(running: Running, encoding: str) -> None:
    """What is not understood is not guessed at."""
    response = ask(running, body=b"SELECT 1", **{"Content-Encoding": encoding})
    assert (response.status_code, "Content-Encoding" in response.text) == (400, True)


def test_a_second_stream_behind_the_first_is_refused(running: Running) -> None:
    """Two readers would disagree on where the statement ends."""
    two = gzip.compress(b"SELECT 1") + gzip.compress(b", 2")
    response = ask(running, body=two, **{"Content-Encoding": "gzip"})
    assert (response.status_code, "one whole stream" in response.text) == (400, True)


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
def test_other_methods_are_refused(running: Running, method: str) -> None:
    """GET and POST read."""
    headers = {"X-ClickHouse-Key": running.token}
    response = httpx.request(method, running.url + "?query=SELECT+1", headers=headers)
    assert response.status_code == 405
    assert response.text != "1\n"


def test_a_statement_in_the_url_of_a_post_is_one_statement(running: Any) -> None:
    """As clients do that keep the body for data."""
    assert ask(running, url="?query=SELECT+1").text == "1\n"
