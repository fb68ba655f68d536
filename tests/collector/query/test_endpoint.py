"""Real ClickHouse clients work against the endpoint, and nobody else gets in."""

import json
import subprocess
import time
from pathlib import Path
from typing import Any

import clickhouse_connect
import httpx
import pytest
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError

from auditspan.storage.config import StoreConfig
from auditspan.storage.engine import open_engine
from auditspan.storage.errors import StatementRefused


def _get(running: Any, **params: str) -> httpx.Response:
    return httpx.get(running.url, params=params, headers={"X-ClickHouse-Key": running.token})


@pytest.fixture
def client(running: Any) -> Client:
    """The real clickhouse-connect over HTTP, with what it does by default."""
    return clickhouse_connect.get_client(
        host="127.0.0.1", port=running.port, username="operator", password=running.token
    )


def test_clickhouse_connect_reads_rows_and_arrow(client: Client) -> None:
    """Its handshake, its Native results, its parameters and its Arrow results work."""
    assert client.query("SELECT n, s FROM t ORDER BY n").result_rows == [(1, "one"), (2, "two")]
    parameters = {"n": 1, "names": ["one", "it's"], "text": "a\tb\n'c'\\d"}
    sql = "SELECT {text:String} AS x FROM t WHERE n = {n:UInt64} AND s IN {names:Array(String)}"
    assert client.query(sql, parameters=parameters).result_rows == [(parameters["text"],)]
    assert client.query_arrow("SELECT n FROM t ORDER BY n").to_pydict() == {"n": [1, 2]}
    assert client.command("SELECT count() FROM t") == 2


def test_clickhouse_connect_sees_errors_as_of_a_server(client: Client) -> None:
    """What is not there has ClickHouse's number; a write is refused."""
    with pytest.raises(DatabaseError, match="Code: 47"):
        client.query("SELECT nothing_here FROM t")
    with pytest.raises(DatabaseError, match="Code: 60"):
        client.query("SELECT 1 FROM nothing_here")
    with pytest.raises(DatabaseError, match="Code: 164"):
        client.command("INSERT INTO t VALUES (3, 'three')")
    assert client.command("SELECT count() FROM t") == 2


def test_our_own_server_engine_reads_through_the_endpoint(running: Any, secret_file: Path) -> None:
    """The CLI talks to a running collector as to any server."""
    engine = open_engine(StoreConfig(url=running.url, password_file=secret_file))
    assert engine.arrow("SELECT s FROM t WHERE n = {n:UInt8}", {"n": 2}).to_pydict() == {
        "s": ["two"]
    }
    with pytest.raises(StatementRefused) as refused:
        engine.command("DROP TABLE t")
    assert refused.value.code == 164
    engine.close()


@pytest.mark.parametrize(
    "arguments",
    [
        ["--user", "operator:{token}", "--data", "SELECT s FROM t ORDER BY n FORMAT CSV", "{url}"],
        [
            "-H",
            "X-ClickHouse-Key: {token}",
            "-d",
            "SELECT s FROM t ORDER BY n",
            "{url}?default_format=CSV",
        ],
        [
            "-H",
            "Authorization: Bearer {token}",
            "{url}?query=SELECT+s+FROM+t+ORDER+BY+n+FORMAT+CSV",
        ],
        ["http://operator:{token}@127.0.0.1:{port}/?query=SELECT+s+FROM+t+ORDER+BY+n+FORMAT+CSV"],
        [
            "-H",
            "X-ClickHouse-Key: {token}",
            "--data-binary",
            "SELECT s FROM t WHERE n < {{n:UInt8}} ORDER BY n FORMAT CSV",
            "{url}?param_n=3&max_threads=1&database=auditspan",
        ],
    ],
)
def test_curl_works_as_against_a_server(running: Any, arguments: list[str]) -> None:
    """Statement in URL or body, token in each way that ClickHouse has, parameters and settings."""
    values = {"token": running.token, "url": running.url, "port": running.port}
    command = ["curl", "-sS", *(argument.format(**values) for argument in arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True)
    assert done.stdout == '"one"\n"two"\n'


def test_ping_and_an_empty_get_say_ok(running: Any) -> None:
    """Ping needs no token, as on a server."""
    assert httpx.get(running.url + "ping").text == "Ok.\n"
    assert _get(running).text == "Ok.\n"


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({}, 401, "194"),
        ({"X-ClickHouse-Key": "wrong"}, 403, "516"),
        ({"X-ClickHouse-Key": ""}, 401, "194"),
        ({"Authorization": "Basic !!!"}, 403, "516"),
        ({"Authorization": "Bearer"}, 403, "516"),
        ({"Authorization": "Basic OnRva2Vu", "X-ClickHouse-Key": "KEY"}, 403, "516"),
        ({"Authorization": "Bearer KEY", "X-ClickHouse-Key": "KEY"}, 403, "516"),
    ],
)
def test_without_the_token_nothing_is_answered(
    running: Any, headers: dict[str, str], status: int, code: str
) -> None:
    """A missing and a wrong token are two errors, and neither runs the statement."""
    headers = {name: value.replace("KEY", running.token) for name, value in headers.items()}
    response = httpx.get(running.url, params={"query": "SELECT 1"}, headers=headers)
    assert response.status_code == status
    assert response.headers["X-ClickHouse-Exception-Code"] == code
    assert response.text != "1\n"


@pytest.mark.parametrize("name", ["password", "user", "Password", "token"])
def test_a_secret_in_the_url_is_refused_even_if_it_is_right(running: Any, name: str) -> None:
    """URLs end up in logs and histories."""
    response = _get(running, **{"query": "SELECT 1", name: running.token})
    assert response.status_code == 400
    assert running.token not in response.text


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example:8123", ""])
def test_another_host_name_is_refused(running: Any, host: str) -> None:
    """A page that makes its own name point here cannot read the answer."""
    headers = {"Host": host, "X-ClickHouse-Key": running.token}
    response = httpx.get(running.url, params={"query": "SELECT 1"}, headers=headers)
    assert response.status_code == 400


@pytest.mark.parametrize(
    "of_a_page",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-origin"},
    ],
)
def test_a_web_page_gets_nothing_even_with_a_token(running: Any, of_a_page: dict[str, str]) -> None:
    """And no CORS header is ever sent, not even if asked for by setting."""
    headers = {**of_a_page, "X-ClickHouse-Key": running.token}
    params = {"query": "SELECT 1", "add_http_cors_header": "1"}
    for path in ("", "ping"):
        response = httpx.get(running.url + path, params=params, headers=headers)
        assert response.status_code == 403
        assert "1\n" not in response.text and "Ok" not in response.text
        assert not [name for name in response.headers if name.startswith("access-control")]
        preflight = {**headers, "Access-Control-Request-Method": "POST"}
        answer = httpx.options(running.url + path, headers=preflight)
        assert answer.status_code == 405
        assert not [name for name in answer.headers if name.startswith("access-control")]


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO t VALUES (3, 'x')",
        "DROP TABLE t",
        "SYSTEM STOP MERGES",
        "KILL QUERY WHERE 1",
        "SET max_threads = 1",
        "SELECT 1; DROP TABLE t",
        "SELECT 1 INTO OUTFILE '/tmp/auditspan-outfile'",
        "SELECT 1 INTO/**/OUTFILE '/tmp/auditspan-outfile'",
        "SELECT file('/etc/passwd')",
        "SELECT `file`('/etc/passwd')",
        "SELECT * FROM url('http://127.0.0.1/', 'CSV')",
        "DESCRIBE TABLE url('http://127.0.0.1/', 'CSV')",
        "SELECT 1 SETTINGS allow_ddl = 1",
        "",
    ],
)
def test_statements_that_do_more_than_read_are_refused(running: Any, sql: str) -> None:
    """And the data is as before."""
    headers = {"X-ClickHouse-Key": running.token}
    response = httpx.post(running.url, content=sql, headers=headers)
    assert response.status_code >= 400, response.text
    assert response.headers["X-ClickHouse-Exception-Code"] != "0"
    assert not Path("/tmp/auditspan-outfile").exists()
    assert _get(running, query="SELECT count() FROM t").text == "2\n"


@pytest.mark.parametrize(
    ("sql", "code"),
    [
        ("SELECT sum(cityHash64(number)) FROM numbers(40000000000)", "159"),
        ("SELECT sum(cityHash64(number)) FROM numbers(100000000000)", "158"),
        (
            "SELECT sum(cityHash64(number)) FROM numbers(100000000000) "
            "SETTINGS max_rows_to_read = 0, max_bytes_to_read = 0",
            "158",
        ),
        ("SELECT groupArray(number) FROM numbers(100000000)", "241"),
        ("SELECT number FROM numbers(10000000)", "396"),
    ],
)
def test_a_statement_that_takes_too_much_is_stopped(running: Any, sql: str, code: str) -> None:
    """Time, memory and result size have caps that a reader can lower and not raise."""
    params = {"query": sql, "max_execution_time": "1", "max_memory_usage": "0"}
    response = httpx.get(
        running.url, params=params, headers={"X-ClickHouse-Key": running.token}, timeout=60
    )
    assert response.headers["X-ClickHouse-Exception-Code"] == code


def test_an_unknown_setting_is_an_error_and_not_ignored(running: Any) -> None:
    """A typing mistake must not change what a statement means."""
    response = _get(running, query="SELECT 1", max_exekution_time="1")
    assert response.headers["X-ClickHouse-Exception-Code"] == "115"
    assert "max_exekution_time" in response.text


def test_results_are_compressed_only_if_asked_for(running: Any) -> None:
    """As on a server: the client has to offer gzip and to enable it."""
    headers = {"X-ClickHouse-Key": running.token, "Accept-Encoding": "gzip"}
    params = {"query": "SELECT number FROM numbers(10000)"}
    plain = httpx.get(running.url, params=params, headers=headers)
    packed = httpx.get(
        running.url, params={**params, "enable_http_compression": "1"}, headers=headers
    )
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.text == plain.text


def test_an_oversized_or_broken_body_is_refused(running: Any) -> None:
    """The limit counts after decompression."""
    import gzip

    headers = {"X-ClickHouse-Key": running.token, "Content-Encoding": "gzip"}
    bomb = gzip.compress(b"SELECT 1 --" + b" " * 5_000_000)
    assert httpx.post(running.url, content=bomb, headers=headers).status_code == 400
    assert httpx.post(running.url, content=b"nope", headers=headers).status_code == 400
    good = gzip.compress(b"SELECT 1")
    assert httpx.post(running.url, content=good, headers=headers).text == "1\n"


def test_one_statement_leaves_nothing_for_the_next(running: Any) -> None:
    """Each runs on a connection of its own, also after an error half-way through a result."""
    failing = "SELECT intDiv(1, 200000 - number) FROM numbers(300000)"
    assert _get(running, query=failing).headers["X-ClickHouse-Exception-Code"] == "153"
    assert _get(running, query="SELECT 7").text == "7\n"


def test_a_reader_sees_no_content_and_an_investigator_does(running: Any) -> None:
    """By the roles of the registry in force, not by what the client says of itself."""

    def ask(sql: str, token: str) -> httpx.Response:
        headers = {"X-ClickHouse-Key": token, "X-ClickHouse-User": "person:ivan"}
        return httpx.post(running.url, content=sql, headers=headers)

    assert ask("SELECT n FROM t ORDER BY n", running.reader).text == "1\n2\n"
    for sql in ("SELECT s FROM t", "SELECT s FROM auditspan_investigator.t", "SELECT t.s FROM t"):
        refused = ask(sql, running.reader)
        assert refused.status_code in (403, 404), refused.text
        assert "one" not in refused.text
    assert ask("SELECT * FROM t ORDER BY n", running.reader).text == "1\n2\n"
    assert ask("SELECT s FROM t ORDER BY n", running.token).text == "one\ntwo\n"
    assert ask("SELECT count() FROM access_log", running.reader).status_code == 404
    assert ask("SELECT count() FROM access_log", running.token).text == "0\n"


def test_a_client_that_goes_away_ends_its_statement(running: Any) -> None:
    """Nobody waits for it, so nothing works for it; the log says that it was cancelled."""
    running.spool.written.clear()
    sql = "SELECT sum(cityHash64(number)) FROM numbers(30000000000)"
    with pytest.raises(httpx.ReadTimeout):
        headers = {"X-ClickHouse-Key": running.token}
        httpx.post(running.url, content=sql, headers=headers, timeout=0.7)
    deadline = time.monotonic() + 3
    while not running.spool.written:
        assert time.monotonic() < deadline, "it runs on"
        time.sleep(0.02)
    [(text, _)] = running.spool.written
    assert json.loads(text)["body"]["code"] == 394
    left = running.engine.raw("SELECT count() FROM system.processes WHERE query LIKE '%cityHash%'")
    assert int(left) <= 1


def test_a_streamed_result_arrives_whole(client: Client) -> None:
    """In blocks of rows, as analysts read large answers."""
    sql = "SELECT number FROM numbers(200000) ORDER BY number"
    with client.query_rows_stream(sql) as stream:
        assert sum(row[0] for row in stream) == sum(range(200_000))
    with client.query_arrow_stream(sql) as batches:
        assert sum(batch.num_rows for batch in batches) == 200_000
