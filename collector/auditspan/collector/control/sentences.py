"""A control record as one plain sentence: what was done, who asked, who approved.

What people and clients said is quoted as JSON, which neutralises control characters.
"""

import json
from collections.abc import Callable, Mapping
from typing import Final

from pydantic import JsonValue

from auditspan.collector.anchors.kinds import ANCHOR_MISSED, ANCHOR_RESUMED
from auditspan.collector.control import privacy_sentences
from auditspan.collector.control.deadletter_kinds import DEADLETTER_RETRY, DEADLETTER_SHOWN
from auditspan.collector.control.human_kinds import (
    ACCESS_RECERTIFIED,
    RECERTIFICATION_OVERDUE,
    RECERTIFICATION_STARTED,
    RECORD_REVIEWED,
)
from auditspan.collector.control.log_key_kinds import LOG_KEY_REVOKED, LOG_KEY_ROTATED
from auditspan.collector.control.records import (
    AGENT_DISABLED,
    CHANGE_PROPOSED,
    CHANGE_REJECTED,
    CHANGE_WITHDRAWN,
    KEY_ISSUED,
    KEY_REVOKED,
    REGISTRY_APPLIED,
    ControlRecord,
)
from auditspan.collector.control.two_persons import FINDING_ALONE
from auditspan.collector.forward.kinds import FORWARD_DROPPED


def sentence(record: ControlRecord) -> str:
    """The sentence of a record; another kind than those below is named with its target."""
    what = _WHAT.get(record.kind, _any)(record)
    ticket = f", ticket {_quoted(record.why.ticket)}" if record.why.ticket else ""
    return f"{what}, {_asked(record)}{_agreed(record)}{ticket}."


def target_of(record: ControlRecord) -> str:
    """What a record is about, "" if its body names nothing."""
    return str(next((record.body[k] for k in ("version", "id") if k in record.body), ""))


def _asked(record: ControlRecord) -> str:
    said, verb = record.why.requested_by, _HOW.get(record.kind, "asked")
    if record.requester is None:
        return f"{verb} by {_quoted(said)}"
    other = said and said != record.requester.principal
    behalf = f" on behalf of {_quoted(said)} (claimed)" if other else ""
    return f"{verb} by {_quoted(record.requester.principal)}{behalf}"


def _agreed(record: ControlRecord) -> str:
    if record.approver is not None:
        return f", approved by {_quoted(record.approver.principal)}"
    if record.requester is None and record.why.approved_by:
        return f", approved by {_quoted(record.why.approved_by)} (claimed)"
    return ", approved by nobody else" if _ALONE & set(record.findings) else ""


def _applied(record: ControlRecord) -> str:
    cause = record.body.get("cause")
    agent = cause.get("agent") if isinstance(cause, dict) else ""
    because = f" because agent {_quoted(agent)} was disabled" if agent else ""
    return f"registry {target_of(record)[:19]} applied{_with_changes(record)}{because}"


def _proposed(record: ControlRecord) -> str:
    kind = _word(record.body.get("kind"))
    return f"change {_short(record)} of kind {kind} proposed{_with_changes(record)}"


def _ended(record: ControlRecord) -> str:
    asked = record.body.get("requested_by")
    whose = f" of {_quoted(asked)}" if asked else ""
    reason = f" because {_quoted(record.why.reason)}" if record.why.reason else ""
    return f"change {_short(record)}{whose} {_verb(record)}{reason}"


def _disabled(record: ControlRecord) -> str:
    reason = f" because {_quoted(record.why.reason)}" if record.why.reason else ""
    return f"agent {_quoted(target_of(record))} disabled{reason}"


def _key(record: ControlRecord) -> str:
    holder = _quoted(record.body.get("principal"))
    return f"key {target_of(record)} of {holder} {_verb(record)}"


def _reviewed(record: ControlRecord) -> str:
    """Without the reason, which may quote the record: readers see this sentence."""
    agent = record.body.get("agent")
    whose = f" of agent {_quoted(agent)}" if agent else ""
    return f"record {target_of(record)}{whose} reviewed: {_word(record.body.get('verdict'))}"


def _recertified(record: ControlRecord) -> str:
    capacity = _word(record.body.get("as"))
    return f"{_item(record)} recertified: {_word(record.body.get('verdict'))}, as {capacity}"


def _unanswered(record: ControlRecord) -> str:
    return f"{_item(record)} not recertified in time"


def _campaign(record: ControlRecord) -> str:
    items = record.body.get("items")
    count = len(items) if isinstance(items, list) else 0
    return f"recertification {target_of(record)} of {count} items started"


def _item(record: ControlRecord) -> str:
    owner = record.body.get("owner")
    return _quoted(target_of(record)) + (f" of {_quoted(owner)}" if owner else "")


def _unanchored(record: ControlRecord) -> str:
    again = " until now" if record.kind == ANCHOR_RESUMED else ""
    since = _quoted(record.body.get("since"))
    return f"no checkpoint shown to anchor {_quoted(target_of(record))} since {since}{again}"


def _log_key(record: ControlRecord) -> str:
    what = f"key {target_of(record)} of log {_quoted(record.body.get('log'))}"
    if record.kind == LOG_KEY_ROTATED:
        return f"{what} replaced by that of the next log"
    good = record.body.get("good_until_size")
    counts = "its end" if good is None else f"{good} entries"
    return f"{what} revoked, it counts up to {counts}"


def _letter(record: ControlRecord) -> str:
    done = "content shown" if record.kind == DEADLETTER_SHOWN else "to be processed again"
    return f"dead letter {_quoted(target_of(record))} {done}"


def _unforwarded(record: ControlRecord) -> str:
    count = record.body.get("requests")
    number = count if isinstance(count, int) else 0
    return f"{number} requests not passed on to {_quoted(target_of(record))}, its queue was full"


def _any(record: ControlRecord) -> str:
    return f"{record.kind} {target_of(record)}".rstrip()


def _with_changes(record: ControlRecord) -> str:
    changes = record.body.get("changes")
    return f" with {len(changes)} changes" if isinstance(changes, list) else ""


def _short(record: ControlRecord) -> str:
    return target_of(record).removeprefix("sha256:")[:12]


def _verb(record: ControlRecord) -> str:
    return record.kind.partition(".")[2]


def _word(value: JsonValue) -> str:
    return str(value) if isinstance(value, str) else "unknown"


def _quoted(value: JsonValue) -> str:
    return json.dumps(value)


_WHAT: Final[Mapping[str, Callable[[ControlRecord], str]]] = {
    REGISTRY_APPLIED: _applied,
    CHANGE_PROPOSED: _proposed,
    CHANGE_REJECTED: _ended,
    CHANGE_WITHDRAWN: _ended,
    AGENT_DISABLED: _disabled,
    KEY_ISSUED: _key,
    KEY_REVOKED: _key,
    RECORD_REVIEWED: _reviewed,
    ACCESS_RECERTIFIED: _recertified,
    RECERTIFICATION_STARTED: _campaign,
    RECERTIFICATION_OVERDUE: _unanswered,
    ANCHOR_MISSED: _unanchored,
    ANCHOR_RESUMED: _unanchored,
    LOG_KEY_ROTATED: _log_key,
    LOG_KEY_REVOKED: _log_key,
    DEADLETTER_RETRY: _letter,
    DEADLETTER_SHOWN: _letter,
    FORWARD_DROPPED: _unforwarded,
    **privacy_sentences.WHAT,
}
"""What was done, by kind; to add a kind is to add an entry."""

_HOW: Final[Mapping[str, str]] = {
    RECORD_REVIEWED: "said",
    ACCESS_RECERTIFIED: "said",
    RECERTIFICATION_OVERDUE: "found",
    ANCHOR_MISSED: "found",
    ANCHOR_RESUMED: "found",
    FORWARD_DROPPED: "found",
}
"""What the requester did, where they asked for nothing."""
_ALONE: Final = frozenset(FINDING_ALONE.values())
