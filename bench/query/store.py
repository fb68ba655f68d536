"""Ten million records in an embedded store, made in the engine from one batch of the pipeline.

Ninety days, an insert a day, so that the parts are those of a store whose merges have ended: a part
a day, in the order of the table. Unlike those of the pipeline they are not synced one by one.
"""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from pathlib import Path

from auditspan.storage.engine import Engine, Settings
from bench.query.template import ROWS, template

DAYS, FIRST = 90, date(2026, 8, 1)
_THREADS = 2
_BULK: Settings = {"max_threads": 1, "max_insert_threads": 1}
_SYNCS = ("fsync_after_insert", "fsync_part_directory")
_SQL = Path(__file__).with_name("generate.sql")
_HASH = "concat('hmac-sha256:', lower(hex(SHA256({}))))"
REPLACED = {
    "RecordId": "lower(hex(sipHash128(own, rand64())))",
    "Timestamp": "at",
    "ReceivedAt": "at + toIntervalMillisecond(200)",
    "BatchId": "concat('abcd1234-1795000000000-', leftPad(toString(k), 8, '0'))",
    "RequestDigest": "concat('sha256:', lower(hex(SHA256(toString(bitShiftRight(own, 55))))))",
    "TraceId": "lower(hex(sipHash128(trace)))",
    "SpanId": "lower(hex(own))",
    "ConversationId": "concat('conversation-', lower(hex(talk)))",
    "SessionId": "concat('session-', lower(hex(talk)))",
    "AgentId": "agent",
    "AgentName": "agent",
    "PrincipalId": "concat('agent:', agent)",
    "UserId": "concat('user_', toString(talk % 20000))",
    "ToolArguments": "arguments",
    "ArgumentsHash": f"if(t.ArgumentsHash = '', '', {_HASH.format('arguments')})",
    "ResultHash": f"if(t.ResultHash = '', '', {_HASH.format('toString(own)')})",
    "TargetId": "if(t.TargetId = '', '', thing)",
    "PolicyOutcome": "if(denied, 'deny', t.PolicyOutcome)",
    "Enforcement": "if(denied, 'block', t.Enforcement)",
    "OutcomeStatus": "if(denied, 'denied', t.OutcomeStatus)",
    "SpanAttributes": (
        "mapUpdate(t.SpanAttributes, if(arguments = '', map(), "
        "map('gen_ai.tool.call.arguments', arguments)))"
    ),
    "ExpiresOn": "toDate32(at) + 730",
    "LogIndex": "k * {rows} + t.LogIndex",
    "SealedAt": "at + toIntervalSecond(1)",
    "RecordSalt": "randomFixedString(16)",
}  # fmt: skip
"""Columns that a copy has of its own."""


def fill(engine: Engine, rows: int, tell: Callable[[str], None]) -> int:
    """Make the records; how many there are."""
    base = template(engine)
    names = base.column_names
    engine.command("CREATE TABLE template AS audit_records ENGINE = Memory")
    engine.insert("template", base)
    copies, began, done = max(1, round(rows / DAYS / ROWS)), time.monotonic(), 0

    def day(number: int) -> None:
        with engine.session(_BULK) as session:
            session.raw(_statement(names, number, copies), "Null")

    engine.command(f"ALTER TABLE audit_records MODIFY SETTING {' = 0, '.join(_SYNCS)} = 0")
    with ThreadPoolExecutor(_THREADS) as pool:
        for number, _ in enumerate(pool.map(day, range(DAYS))):
            done += copies * ROWS
            if number % 10 == 9:
                tell(f"{done:,} records after {time.monotonic() - began:.0f} s")
    engine.command(f"ALTER TABLE audit_records MODIFY SETTING {' = 1, '.join(_SYNCS)} = 1")
    engine.command("DROP TABLE template")
    return done


def _statement(names: list[str], day: int, copies: int) -> str:
    own = {name: REPLACED[name] for name in names if name in REPLACED}
    kept = [name for name in names if name not in own]
    text = _SQL.read_text()
    lines = "\n".join(line for line in text.splitlines() if not line.startswith("--"))
    return lines.format(
        kept=", ".join(f"t.{name}" for name in kept),
        columns=", ".join([*kept, *own]),
        first_copy=day * copies,
        copies=copies,
        day=FIRST + timedelta(days=day),
        replaced=",\n    ".join(f"{sql} AS {name}_" for name, sql in own.items()),
    ).replace("{rows}", str(ROWS))
