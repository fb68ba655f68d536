"""People and a dashboard read different things of a real collector; the log tells who saw what."""

import csv
import io
import json
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import clickhouse_connect
import httpx
import pytest

from tests.end_to_end import bodies
from tests.end_to_end.running import Collector, running

PEOPLE = """\
- {id: "person:alice", name: Alice, roles: policy}
- {id: "person:bob", name: Bob, roles: policy}
- {id: "person:rita", name: Rita, roles: reader}
- {id: "person:ivan", name: Ivan, roles: investigator}
- {id: "service:grafana", name: Dashboards, roles: reader}
"""
HOSTILE = '=HYPERLINK("http://evil.example","x")\x1b[2J\u202e\u200b[red]<script>x</script>\r\n=1'
STEERS = {"\x1b", "\u202e", "\u200b", "\r"}
COUNT = "SELECT count() FROM audit WHERE Operation = 'execute_tool'"


@dataclass(frozen=True)
class House:
    """A collector with records of two agents, and people with keys."""

    collector: Collector
    folder: Path
    traces: dict[str, str]
    """Trace ids by agent."""

    def file(self, who: str) -> Path:
        """Where somebody's key lies."""
        return self.folder / f"{who}.key"

    def key(self, who: str) -> str:
        """Somebody's key."""
        return self.file(who).read_text().strip()

    def run(self, who: str, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a command as somebody."""
        shown = ("--token-file", str(self.file(who)))
        return self.collector.auditspan(*words, *shown, check=False)

    def client(self, who: str) -> Any:
        """The real clickhouse-connect as somebody."""
        url = httpx.URL(self.collector.addresses["query"])
        return clickhouse_connect.get_client(
            host=url.host, port=url.port or 0, username=who, password=self.key(who)
        )

    def ask(self, who: str, sql: str, **headers: str) -> httpx.Response:
        """Ask the endpoint as somebody."""
        return httpx.post(
            self.collector.addresses["query"],
            content=sql,
            headers={"X-ClickHouse-Key": self.key(who), **headers},
            timeout=30,
        )

    def access(self, *words: str, least: int = 1) -> dict[str, Any]:
        """What the investigator is told, once the log has as many reads of others."""
        until = time.monotonic() + 30
        while True:
            done = self.run("ivan", "access", *words, "--format", "json")
            assert done.returncode == 0, done.stderr
            told: dict[str, Any] = json.loads(done.stdout)
            told["reads"] = [one for one in told["reads"] if "access" not in one["Report"]]
            if len(told["reads"]) >= least:
                return told
            assert time.monotonic() < until, told
            time.sleep(0.3)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Records of two agents, then a registry under which the operator's token reads nothing."""
    folder = tmp_path_factory.mktemp("access")
    with running(folder / "data") as collector:
        traces = {}
        for agent, tool in (("helper", "lookup"), ("other", HOSTILE)):
            request = bodies.request(
                f"execute_tool {agent}", 1, **{
                    "gen_ai.operation.name": "execute_tool", "gen_ai.agent.id": agent,
                    "gen_ai.agent.name": agent, "gen_ai.tool.name": tool,
                    "gen_ai.tool.call.arguments": '{"a":"xyzzy"}',
                },
            )  # fmt: skip
            traces[agent] = request.resource_spans[0].scope_spans[0].spans[0].trace_id.hex()
            content = request.SerializeToString()
            sent = bodies.post(collector.addresses["http"], content, content_type=bodies.PROTOBUF)
            assert sent.code == 200
        collector.wait_for(COUNT, 2)
        registry = folder / "registry" / "principals"
        registry.mkdir(parents=True)
        (registry / "people.yaml").write_text(PEOPLE)
        collector.auditspan("apply", str(registry.parent), "--ticket", "T-1", "--reason", "people")
        made = House(collector, folder, traces)
        for who, option in (("rita", "--person"), ("ivan", "--person"), ("grafana", "--service")):
            issued = collector.auditspan("keys", "issue", option, who, "--reason", "reads")
            made.file(who).touch(mode=0o600)
            made.file(who).write_text(issued.stdout)
        yield made


def sure(told: dict[str, Any]) -> set[tuple[str, str, str]]:
    """Reader, certainty and interface of every read."""
    return {(one["Reader"], one["Certainty"], one["Interface"]) for one in told["reads"]}


def test_who_saw_the_records_of_an_agent(house: House) -> None:
    """Rita named one agent, Ivan the trace of the other, the dashboard nobody."""
    client = house.client("rita")
    found = client.query("SELECT ToolName FROM audit WHERE AgentName = {a:String}",
                         parameters={"a": "helper"})  # fmt: skip
    assert found.result_rows == [("lookup",)]
    client.close()
    traced = house.run("ivan", "trace", house.traces["other"])
    assert traced.returncode == 0, traced.stderr
    panel = (
        "SELECT toStartOfInterval(toDateTime(Timestamp), INTERVAL 60 second) AS time, count() AS n "
        "FROM otel_traces WHERE Timestamp >= toDateTime(1760000000 - 60) "
        "AND Timestamp <= toDateTime(1760000600) GROUP BY time ORDER BY time"
    )
    assert house.ask("grafana", panel, **{"User-Agent": "Grafana/12"}).status_code == 200

    helper = house.access("--agent", "helper", least=3)
    assert sure(helper) == {
        ("person:rita", "named", "endpoint"),
        ("service:grafana", "possible", "endpoint"),
        ("operator", "possible", "endpoint"),
    }
    # What Rita's own SQL leaves out nobody can say, so it may have shown the other one.
    other = house.access("--agent", "other", least=4)
    assert sure(other) == {
        ("person:ivan", "named", "report"),
        ("person:rita", "possible", "endpoint"),
        ("service:grafana", "possible", "endpoint"),
        ("operator", "possible", "endpoint"),
    }
    [by_ivan] = [one for one in other["reads"] if one["Reader"] == "person:ivan"]
    assert by_ivan["Report"] == f"trace trace={house.traces['other']}"
    assert (by_ivan["Rows"], by_ivan["Content"], by_ivan["Method"]) == (1, True, "api_key")
    assert other["population"]["readers"] >= 4
    rita = house.access("--by", "person:rita")
    assert {(one["Reader"], one["Content"]) for one in rita["reads"]} == {("person:rita", False)}


def test_only_an_investigator_learns_who_read(house: House) -> None:
    """A reader and the operator are refused, and their attempts are in the log."""
    done = house.run("rita", "access", "--agent", "helper")
    assert (done.returncode, done.stdout) == (2, "")
    assert house.collector.auditspan("access", check=False).returncode == 2
    until = time.monotonic() + 30
    while not house.access("--by", "operator")["population"]["refused"]:
        assert time.monotonic() < until
        time.sleep(0.3)


def test_a_reader_gets_no_content(house: House) -> None:
    """Neither by the endpoint nor by the command line, whatever it says of itself."""
    for sql in ("SELECT ToolArguments FROM audit", "SELECT SpanAttributes FROM otel_traces",
                "SELECT * FROM auditspan.audit_records", "SELECT * FROM audit"):  # fmt: skip
        answer = house.ask("rita", sql, **{"X-ClickHouse-User": "person:ivan"})
        assert "xyzzy" not in answer.text
    assert "xyzzy" in house.ask("ivan", "SELECT ToolArguments FROM audit").text
    shown = house.run("rita", "query", "SELECT * FROM audit", "--format", "json")
    assert "xyzzy" not in shown.stdout + shown.stderr


def test_hostile_values_steer_no_output(house: House) -> None:
    """Tables, trees and pages show them, a spreadsheet runs none, JSON is exact."""
    trace = house.traces["other"]
    for words in (
        ("search", "--trace", trace),
        ("search", "--trace", trace, "--format", "json"),
        ("trace", trace),
        ("trace", trace, "--format", "md"),
        ("query", "SELECT ToolName AS `[red]` FROM audit"),
        ("access", "--agent", "other"),
    ):
        done = house.run("ivan", *words)
        assert done.returncode == 0, done.stderr
        assert not STEERS & set(done.stdout + done.stderr), words
    page = house.run("ivan", "trace", trace, "--format", "md").stdout
    assert "<script>" not in page and "http://" not in page
    done = house.run("ivan", "search", "--trace", trace, "--format", "csv")
    [row] = csv.DictReader(io.StringIO(done.stdout, newline=""))
    # `subprocess` reads line breaks of any kind as one.
    assert row["ToolName"] == f"'{HOSTILE}".replace("\r\n", "\n")
    done = house.run("ivan", "search", "--trace", trace, "--format", "json")
    assert json.loads(done.stdout)["records"][0]["ToolName"] == HOSTILE
    # Clients of ClickHouse get the bytes that the engine made.
    sql = f"SELECT ToolName FROM audit WHERE TraceId = '{trace}' FORMAT JSONEachRow"
    assert json.loads(house.ask("ivan", sql).text)["ToolName"] == HOSTILE


def test_hostile_requests_write_no_lines_of_their_own_into_the_log(house: House) -> None:
    """Names, statements, headers and credentials of strangers."""
    forged = "x\n2026-01-01 00:00:00 CRITICAL auditspan forged\x1b[2J"
    url = house.collector.addresses["query"]
    httpx.post(url, content=forged, headers={"X-ClickHouse-Key": house.key("ivan"),
               "X-Auditspan-Report": "trace%0aforged%1b[2J"})  # fmt: skip
    httpx.post(url, params={"query_id": forged, "param_x": forged}, content=b"\x1b",
               headers={"X-ClickHouse-Key": "aso_x"})  # fmt: skip
    bodies.post(house.collector.addresses["http"], bodies.body(forged, 1, **{"user.id": forged}),
                content_type=bodies.PROTOBUF)  # fmt: skip
    told = house.run("ivan", "access", "--by", "person:ivan")
    assert not STEERS & set(told.stdout + told.stderr)
    log = (house.collector.data.parent / "data.log").read_bytes()
    assert b"\x1b" not in log
    assert not [line for line in log.splitlines() if line.startswith(b"2026-01-01 00:00:00")]


def test_a_read_on_a_stopped_store_is_in_the_log_after_the_next_start(tmp_path: Path) -> None:
    """Also one by an API key, with the reader's views; a wrong key reads nothing."""
    data = tmp_path / "data"
    with running(data) as collector:
        bodies.post(collector.addresses["http"], bodies.body("execute_tool a", 1, **{
            "gen_ai.operation.name": "execute_tool", "gen_ai.tool.call.arguments": "xyzzy"}),
            content_type=bodies.PROTOBUF)  # fmt: skip
        collector.wait_for(COUNT, 1)
        (tmp_path / "registry" / "principals").mkdir(parents=True)
        (tmp_path / "registry" / "principals" / "people.yaml").write_text(PEOPLE)
        collector.auditspan(
            "apply", str(tmp_path / "registry"), "--ticket", "T-1", "--reason", "people"
        )
        for who in ("rita", "ivan"):
            issued = collector.auditspan("keys", "issue", "--person", who, "--reason", "reads")
            (tmp_path / who).touch(mode=0o600)
            (tmp_path / who).write_text(issued.stdout)
    (tmp_path / "wrong").touch(mode=0o600)
    (tmp_path / "wrong").write_text("ask_0000000000000000_" + "0" * 64)

    def run(who: str, *words: str) -> subprocess.CompletedProcess[str]:
        return collector.auditspan(*words, "--token-file", str(tmp_path / who), check=False)

    assert run("wrong", "search").returncode == 2
    seen = run("rita", "search", "--format", "json")
    assert seen.returncode == 0, seen.stderr
    assert "xyzzy" not in seen.stdout
    assert run("rita", "query", "SELECT ToolArguments FROM audit").returncode == 2
    assert "xyzzy" in run("ivan", "query", "SELECT ToolArguments FROM audit").stdout
    with running(data) as collector:
        until = time.monotonic() + 30
        while True:
            done = run("ivan", "access", "--by", "person:rita", "--format", "json")
            reads = json.loads(done.stdout)["reads"]
            if len(reads) >= 3 or time.monotonic() > until:
                break
            time.sleep(0.3)
    assert [(one["Interface"], one["Content"]) for one in reads] == [
        ("report", False),
        ("report", False),
        ("cli", False),
    ]
