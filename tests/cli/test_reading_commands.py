"""`search`, `trace`, `query` and `ask` on the store of a stopped collector."""

import csv
import io
import json
from pathlib import Path

import pyarrow as pa
import pytest

from auditspan.cli.terminal import safe
from auditspan.collector.data_dir import prepare
from auditspan.storage.writer import write
from tests.cli.conftest import Auditspan
from tests.migrated import migrated_store
from tests.reports.trail import HOSTILE, OTHER_TRACE, TIME, TRACE, row, table

HARMFUL = {"\x1b", "\u202e"}


def test_search_prints_records_and_their_population(auditspan: Auditspan, stopped: Path) -> None:
    """The table is the result; over what it was found goes to standard error."""
    ran = auditspan("search", "--data", stopped, "--tool", "refund", "--tool", "nothing")
    assert ran.code == 0, ran.err
    assert "refund" in ran.out and "get_order" not in ran.out
    assert "1 records match over 6 records" in ran.err
    assert "sequence gaps 2" in ran.err


def test_search_says_what_a_limit_left_out(auditspan: Auditspan, stopped: Path) -> None:
    """Nobody takes the newest two for all."""
    ran = auditspan("search", "--data", stopped, "--limit", "2")
    assert "the newest 2 are shown; 4 more" in ran.err


def test_search_as_json_holds_the_population(auditspan: Auditspan, stopped: Path) -> None:
    """A machine gets one document: records as they were recorded, and over what."""
    ran = auditspan("search", "--data", stopped, "--severity", "7", "--format", "json")
    document = json.loads(ran.out)
    assert document["population"]["sequence_gaps"] == 2
    assert [record["RecordId"] for record in document["records"]] == ["r3"]
    assert ran.err == ""


@pytest.mark.parametrize("format", ["table", "json", "csv"])
def test_no_value_reaches_a_terminal_as_it_was_recorded(
    auditspan: Auditspan, stopped: Path, format: str
) -> None:
    """A tool's name that clears the screen is shown; a pipe of CSV gets it as it is."""
    ran = auditspan(
        "search", "--data", stopped, "--finding", "policy.unguarded", "--format", format
    )
    if format == "csv":
        [row] = csv.DictReader(io.StringIO(ran.out))
        assert row["ToolName"] == HOSTILE
        return
    assert not HARMFUL & set(ran.out + ran.err)
    if format == "json":
        assert json.loads(ran.out)["records"][0]["ToolName"] == HOSTILE
    else:
        assert safe(HOSTILE) in ran.out


def test_a_conversation_is_a_tree(auditspan: Auditspan, stopped: Path) -> None:
    """One line a record: time, what, who, decision with rule, result, principal."""
    ran = auditspan("trace", "--conversation", "c1", "--data", stopped)
    [line] = [line for line in ran.out.splitlines() if "refund" in line]
    for words in (
        "08:03:00.000 execute_tool refund on order:o-2",
        "by helper for alice",
        "deny by no-refunds (blocked)",
        "denied 2.000s",
        "agent:helper",
        "! authorization.missing",
    ):
        assert words in line
    assert "over 6 records" in ran.err


def test_a_tree_of_hostile_names_steers_nothing(auditspan: Auditspan, stopped: Path) -> None:
    """The tree and the page neutralise recorded values, and the id that was asked for."""
    for format in ("tree", "md", "json"):
        ran = auditspan("trace", OTHER_TRACE, "--data", stopped, "--format", format)
        assert ran.code == 0, ran.err
        assert "gnp.exe" in ran.out
        assert not HARMFUL & set(ran.out + ran.err)
    ran = auditspan("trace", "x\x1b[2J", "--data", stopped)
    assert ran.code == 2
    assert "\x1b" not in ran.err


def test_a_chain_is_written_to_a_new_file(auditspan: Auditspan, stopped: Path) -> None:
    """The page for a buyer; a file that is there stays as it is."""
    words = ("trace", TRACE, "--data", stopped, "--format", "md", "-o", "page.md")
    assert auditspan(*words).code == 0
    page = Path("page.md").read_text()
    assert page.startswith(f"# trace {TRACE}") and "## Population" in page
    ran = auditspan(*words)
    assert (ran.code, ran.err) == (2, "auditspan: page.md: file exists\n")


def test_a_chain_as_rows_has_depths(auditspan: Auditspan, stopped: Path) -> None:
    """JSON and CSV keep the order of reading and how deep each record stands."""
    ran = auditspan("trace", TRACE, "--data", stopped, "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(ran.out)))
    assert [(row["RecordId"], row["Depth"]) for row in rows][-1] == ("r6", "2")
    ran = auditspan("trace", TRACE, "--data", stopped, "--format", "json")
    assert [step["Depth"] for step in json.loads(ran.out)["steps"]] == [0, 1, 1, 1, 2]


def test_sql_is_run_with_parameters(
    auditspan: Auditspan, stopped: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From an argument or from standard input, as a table, JSON or CSV."""
    sql = "SELECT RecordId, Severity FROM audit_records WHERE ToolName = {tool:String}"
    words = ("--param", "tool=refund", "--data", stopped)
    assert json.loads(auditspan("query", sql, *words, "--format", "json").out) == [
        {"RecordId": "r3", "Severity": 7}
    ]
    monkeypatch.setattr("sys.stdin", io.StringIO(sql))
    assert auditspan("query", "-", *words, "--format", "csv").out == "RecordId,Severity\nr3,7\n"


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("DROP TABLE audit_records", "begins with drop"),
        ("SELECT * FROM file('/etc/passwd')", "outside the store"),
        ("SELECT 1 FORMAT TSV", "leave FORMAT out"),
        ("SELECT Nonsense FROM audit_records", "Nonsense"),
        ("SELECT 1 INTO OUTFILE '/tmp/x'", "INTO OUTFILE"),
    ],
)
def test_a_statement_that_is_not_allowed_is_an_error(
    auditspan: Auditspan, stopped: Path, sql: str, said: str
) -> None:
    """It can only read, and only the store; wrong SQL is wrong usage."""
    ran = auditspan("query", sql, "--data", stopped)
    assert ran.code == 2
    assert said in ran.err
    assert ran.out == ""


def test_questions_are_listed_printed_and_answered(auditspan: Auditspan, stopped: Path) -> None:
    """Without a name the list; `--sql` the query; with a name the answer and its population."""
    assert "who-reached-data" in auditspan("ask").out
    assert "FROM audit\n" in auditspan("ask", "denials", "--sql").out
    ran = auditspan("ask", "denials", "--data", stopped)
    assert "no-refunds" in ran.out and "1 rows over 6 records" in ran.err
    words = ("--param", "user=alice", "--since", "2026-11-24T08:06:00", "--format", "json")
    document = json.loads(auditspan("ask", "user-activity", *words, "--data", stopped).out)
    assert {row["RecordId"] for row in document["rows"]} == {"r5", "r6"}
    assert document["population"]["since"] == "2026-11-24T08:06:00Z"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("ask", "denial"), "did you mean 'denials'"),
        (("ask", "user-activity"), "needs 'user'"),
        (("ask", "denials", "--param", "user"), "expected name=value"),
        (("search", "--since", "soon"), "cannot be read"),
        (("trace",), "either a trace id or a conversation id"),
        (("trace", "--conversation", "c9"), "no record of conversation 'c9'"),
    ],
)
def test_wrong_usage_is_code_2(
    auditspan: Auditspan, stopped: Path, words: tuple[str, ...], said: str
) -> None:
    """The message says what was expected."""
    ran = auditspan(*words, "--data", stopped)
    assert ran.code == 2
    assert said in ran.err


def test_where_there_is_nothing_it_is_said(auditspan: Auditspan, tmp_path: Path) -> None:
    """No folder, and a folder whose collector never stored anything."""
    ran = auditspan("search", "--data", "nowhere")
    assert (ran.code, "nowhere is no data folder" in ran.err) == (2, True)
    assert not Path("nowhere").exists()
    prepare(tmp_path / "fresh")
    ran = auditspan("search", "--data", "fresh")
    assert (ran.code, "holds no records yet" in ran.err) == (2, True)


def test_a_clock_at_the_end_of_time_does_not_end_a_trace(
    auditspan: Auditspan, tmp_path: Path
) -> None:
    """A sender's clock may say the last nanosecond that can be stored."""
    data = prepare(tmp_path / "late")
    rows = table((row(1, Attributes={}),))
    last = pa.array([2**63 - 1], pa.int64()).cast(TIME)
    rows = rows.set_column(rows.column_names.index("Timestamp"), "Timestamp", last)
    engine = migrated_store(data.folder("store"))
    write(engine, rows, "i-1-00000001")
    engine.close()
    ran = auditspan("trace", "--conversation", "c1", "--data", data.root)
    assert ran.code == 0, ran.err
    assert "23:47:16.854 execute_tool get_order" in ran.out
    assert "over 1 records (1 actions) from 1970-01-01" in ran.err
