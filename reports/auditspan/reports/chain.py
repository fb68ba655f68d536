"""The decision chain: all records of a trace or a conversation in causal order.

A record stands under its parent span; one whose parent was never received stands at the top and
is marked so. Reading order among siblings is time, then record id.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from auditspan.reports.errors import BadFilter, NothingFound
from auditspan.reports.source import Source

MAX_RECORDS: Final = 10_000
"""A chain is read by a person. More than this is a search."""

COLUMNS: Final = (
    "RecordId",
    "RecordKind",
    "Timestamp",
    "Duration",
    "TraceId",
    "SpanId",
    "ParentSpanId",
    "SpanName",
    "Operation",
    "ActionType",
    "AgentId",
    "AgentName",
    "AgentProvenance",
    "PrincipalId",
    "UserId",
    "UserProvenance",
    "GrantId",
    "AuthorizedBy",
    "Purpose",
    "Environment",
    "ToolName",
    "Effect",
    "TargetType",
    "TargetId",
    "PolicyOutcome",
    "PolicyRuleIds",
    "PolicyReason",
    "PolicyVersion",
    "Enforcement",
    "OutcomeStatus",
    "ErrorType",
    "Findings",
    "ModelName",
    "Severity",
    "Summary",
    "ConversationId",
    "CountsAs",
    "ApprovalId",
    "ApprovalStatus",
)
"""What a chain shows of each record; `CountsAs` is the record that tells of the same act and is the
one to count, "" for most."""


@dataclass(frozen=True, slots=True)
class Step:
    """One record and what followed from it."""

    record: dict[str, Any]
    parent_missing: bool
    """The record names a parent span that the trail does not hold."""
    steps: tuple["Step", ...]

    @property
    def who(self) -> str:
        """Agent, and the user it acted for; a claim is marked with a question mark."""
        agent = _claim(
            self.record["AgentId"] or self.record["AgentName"], self.record["AgentProvenance"]
        )
        user = self.record["UserId"]
        return f"{agent} for {_claim(user, self.record['UserProvenance'])}" if user else agent

    @property
    def what(self) -> str:
        """The operation, what it was done with and to what."""
        row = self.record
        name = row["ToolName"] or row["ModelName"] or ""
        target = f" on {row['TargetType']}:{row['TargetId']}" if row["TargetId"] else ""
        return f"{row['Operation'] or row['SpanName']} {name}".strip() + target

    @property
    def decision(self) -> str:
        """The outcome of policy and the rules that decided, and whether it was enforced."""
        rules = ", ".join(self.record["PolicyRuleIds"])
        text = (
            f"{self.record['PolicyOutcome']} by {rules}" if rules else self.record["PolicyOutcome"]
        )
        blocked = " (blocked)" if self.record["Enforcement"] == "block" else ""
        return f"{text}{blocked}{self._approval}"

    @property
    def _approval(self) -> str:
        """The approval that was asked for or given, by its id."""
        id_, status = self.record["ApprovalId"], self.record["ApprovalStatus"]
        return f"; approval {id_} {status}".rstrip() if id_ else ""

    @property
    def told_already(self) -> bool:
        """Whether another record of the chain tells of the same act."""
        return bool(self.record["CountsAs"])

    @property
    def seconds(self) -> float:
        """How long it took."""
        return float(self.record["Duration"]) / 1e9

    def walk(self, depth: int = 0) -> Iterator[tuple[int, "Step"]]:
        """This step and all below it, each with its depth; by a stack, however deep it is."""
        stack = [(depth, self)]
        while stack:
            level, step = stack.pop()
            yield level, step
            stack.extend((level + 1, below) for below in reversed(step.steps))


@dataclass(frozen=True, slots=True)
class Chain:
    """What happened, in causal order."""

    steps: tuple[Step, ...]
    records: int
    started: datetime
    ended: datetime
    """When its last record began."""
    truncated: bool
    """There are more records than a chain shows."""

    def walk(self) -> Iterator[tuple[int, Step]]:
        """Every step with its depth, in reading order."""
        for step in self.steps:
            yield from step.walk()


def chain(source: Source, trace: str | None = None, conversation: str | None = None) -> Chain:
    """Read the chain of one trace or of one conversation.

    Raises `BadFilter` unless exactly one of them is given, `NothingFound` if no record has it.
    """
    if (trace is None) == (conversation is None):
        raise BadFilter("a chain needs either a trace id or a conversation id")
    value = trace.lower() if trace is not None else conversation
    condition, within = _BY_CONVERSATION, _TRACES_OF_CONVERSATION
    if trace is not None:
        condition = within = _BY_TRACE
    rows = source.arrow(_sql(condition), {"id": value, "limit": MAX_RECORDS + 1}).to_pylist()
    if not rows:
        kind = "trace" if trace is not None else "conversation"
        raise NothingFound(f"no record of {kind} {value!r}: check the id, or search for it")
    counted = _repeats(source, within, value) if _may_repeat(rows) else {}
    for row in rows:
        row["CountsAs"] = counted.get(row["RecordId"], "")
    return assemble(rows[:MAX_RECORDS], truncated=len(rows) > MAX_RECORDS)


def assemble(rows: list[dict[str, Any]], *, truncated: bool = False) -> Chain:
    """Put records under their parents. A cycle of parents is cut where it was first entered."""
    spans = {(row["TraceId"], row["SpanId"]) for row in rows if row["SpanId"]}
    children: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    roots = []
    for row in rows:
        parent = (row["TraceId"], row["ParentSpanId"])
        if row["ParentSpanId"] and parent in spans and row["ParentSpanId"] != row["SpanId"]:
            children[parent].append(row)
        else:
            roots.append(row)
    seen: set[str] = set()
    steps = [_step(row, children, seen) for row in roots]
    # Spans that are each other's ancestors have no root: show them all the same.
    steps += [_step(row, children, seen) for row in rows if row["RecordId"] not in seen]
    times = [row["Timestamp"] for row in rows]
    return Chain(tuple(steps), len(rows), min(times), max(times), truncated)


def _step(
    row: dict[str, Any], children: dict[tuple[str, str], list[dict[str, Any]]], seen: set[str]
) -> Step:
    """Build a step and all below it without recursion: a hostile chain may be thousands deep."""
    order: list[dict[str, Any]] = []
    stack = [row]
    below: dict[str, list[dict[str, Any]]] = {}
    while stack:
        current = stack.pop()
        if current["RecordId"] in seen:
            continue
        seen.add(current["RecordId"])
        order.append(current)
        key = (current["TraceId"], current["SpanId"])
        below[current["RecordId"]] = [
            child for child in children.get(key, []) if child["RecordId"] not in seen
        ]
        stack.extend(below[current["RecordId"]])
    done: dict[str, Step] = {}
    for current in reversed(order):
        steps = tuple(
            done.pop(child["RecordId"])
            for child in below[current["RecordId"]]
            if child["RecordId"] in done
        )
        missing = current is row and bool(current["ParentSpanId"])
        done[current["RecordId"]] = Step(current, missing, steps)
    return done[row["RecordId"]]


_MADE_BY: Final = ("ScopeName", "SpanKind", "CallNested")
"""Who tells of an act, as `audit_duplicates` has it."""
_ACTS: Final = {"tool.call": "call", "mcp.tools.call": "call", "model.call": "model"}
"""What may be told twice. A call is told as one or the other, and never as what a model did."""

_BY_TRACE: Final = "TraceId = {id:String}"
_TRACES_OF_CONVERSATION: Final = (
    "TraceId IN (SELECT TraceId FROM audit WHERE ConversationId = {id:String} AND TraceId != '')"
)
# A conversation's records without the id (a foreign span inside its trace) belong to it too.
_BY_CONVERSATION: Final = (
    f"(ConversationId = {{id:String}} OR (ConversationId = '' AND {_TRACES_OF_CONVERSATION}))"
)


def _sql(condition: str) -> str:
    columns = [name for name in COLUMNS if name != "CountsAs"]
    return (
        f"SELECT {', '.join([*columns, *_MADE_BY])} FROM audit "  # noqa: S608 (names of ours)
        f"WHERE {condition} ORDER BY Timestamp, RecordId LIMIT {{limit:UInt32}}"
    )


def _may_repeat(rows: list[dict[str, Any]]) -> bool:
    """Whether two makers tell of acts of one kind; takes out of the rows what only this needs.

    Two records of one maker are two acts. The view takes as long as the records, so it is asked
    only where it can have something to say.
    """
    told = {(_ACTS.get(row["ActionType"]), *(row.pop(name) for name in _MADE_BY)) for row in rows}
    kinds = [kind for kind, *_ in told if kind]
    return len(kinds) > len(set(kinds))


def _repeats(source: Source, within: str, value: str | None) -> dict[str, str]:
    """Records that tell of an act another one tells of, and which one is to count."""
    # A join of both takes half as long again as one after the other: the engine plans for it.
    sql = f"SELECT RecordId, CountsAs FROM audit_duplicates WHERE {within}"  # noqa: S608
    found = source.arrow(sql, {"id": value}).to_pydict()
    return dict(zip(found["RecordId"], found["CountsAs"], strict=True))


def _claim(name: str, provenance: str) -> str:
    """A name, marked as a claim unless a credential proved it."""
    shown = name or "unknown"
    return shown if provenance in ("verified", "derived") else f"{shown}?"
