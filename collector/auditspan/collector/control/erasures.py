"""Erasures: asked for by one person, approved by another, done by the engine.

Asking:    1. what stands where is looked up, 2. records on hold are refused, 3. a proposal of kind
           `erasure` is filed, which names records and groups.
Approving: 1. it is looked up again, also which reads quote what goes by now and what else came in
           the same requests, 2. `record.erased` is in the spool, 3. batches that wait for
           another backend, and the list of recent requests, are cleared of them.
The engine: 1. the record's entry is sealed and signed, 2. it erases (`engine/erasing.py`), 3. it
           writes the certificate.
"""

import asyncio
import json
import secrets
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from pydantic import JsonValue

from auditspan.collector.control.changes import Changes
from auditspan.collector.control.erasure_hashes import forget
from auditspan.collector.control.erasure_kinds import ERASURE, RECORD_ERASED
from auditspan.collector.control.erasure_letters import planned, quoting
from auditspan.collector.control.erasure_plan import (
    MOST,
    READ_GROUPS,
    Asked,
    Body,
    Step,
    body_of,
    groups_of,
    rows_of,
)
from auditspan.collector.control.erasure_values import forms, present, quotes, values_of
from auditspan.collector.control.errors import ControlInvalid, ControlUnavailable, NotFound
from auditspan.collector.control.fields import Fields
from auditspan.collector.control.handlers import Effect, Handler
from auditspan.collector.control.holds_files import HoldFiles
from auditspan.collector.control.records import ControlRecord, Why
from auditspan.collector.control.two_persons import require
from auditspan.collector.forward.erased import clear
from auditspan.collector.query.lookups import Lookup, Params
from auditspan.identity.caller import Caller
from auditspan.identity.roles import Action

_SHORTEST: Final = 4
Purge = Callable[[Sequence[Step]], None]
"""Clears what waits for another backend of the requests that records came in."""


def in_folder(data: Path) -> Purge:
    """Clears the queue of a data folder, if it has one, and its list of recent requests."""

    def purge(steps: Sequence[Step]) -> None:
        requests: dict[str, set[str]] = defaultdict(set)
        for step in steps:
            requests[step.batch_id].add(step.request_digest)
        clear(data / "forward", requests)
        forget(data / "spool", set().union(*requests.values()))

    return purge


@dataclass(frozen=True, slots=True)
class Erasures:
    """Takes requests, and says what became of them."""

    changes: Changes
    lookup: Lookup
    holds: HoldFiles
    new_id: Callable[[], str] = field(default=lambda: secrets.token_hex(8))
    letters: Path | None = None
    """Where dead letters lie; None: none are looked at."""

    async def of_subject(self, subject: str, caller: Caller) -> Fields:
        """Where somebody is named: records and groups, for who asks to confirm.

        Nothing is kept of it. Raises ControlForbidden, ControlInvalid, ControlUnavailable.
        """
        require(caller, Action.PROPOSE_ERASURE)
        if len(subject) < _SHORTEST:
            raise ControlInvalid(f"subject: expected at least {_SHORTEST} characters")
        asked: Params = {"subject": subject, "limit": MOST + 1}
        named = await self.lookup.ask("of_subject", asked)
        ids = [str(row["id"]) for row in named]
        quoted: Params = {"values": list(forms(subject)), "limit": MOST + 1}
        reads = [str(row["id"]) for row in await self.lookup.ask("reads_naming", quoted)]
        rows = await rows_of(self.lookup, [*ids, *reads][:MOST])
        found: list[JsonValue] = [
            {
                "id": row["RecordId"],
                "at": row["Timestamp"],
                "agent": row["AgentId"],
                "tool": row["ToolName"],
                "groups": [
                    name
                    for name in (present(row) if row["Operation"] != "store.read" else READ_GROUPS)
                    if quotes_any(values_of(row, [name]), subject)
                ],
            }
            for row in rows
        ]
        dead = await asyncio.to_thread(quoting, self.letters, subject)
        total = (_int(named[0]["total"]) if named else 0) + len(reads) + len(dead)
        more = len(ids) + len(reads) + len(dead) > MOST
        return {"records": [*found, *dead][:MOST], "more": more, "total": total}

    async def propose(
        self, records: Sequence[Asked], why: Why, caller: Caller, *, dry_run: bool = False
    ) -> Fields:
        """Ask for an erasure; of a dry run what it would do.

        Raises ControlForbidden, ControlInvalid, ControlRefused, NotFound, ControlUnavailable and
        what `submit` raises.
        """
        require(caller, Action.PROPOSE_ERASURE)
        if not why.reason.strip():
            raise ControlInvalid("reason: expected why this is erased, for whoever asks later")
        named = [_named(each) for each in records]
        steps = await planned(self.lookup, self.letters, named, self.holds.all())
        body = Body(
            id=self.new_id(),
            records=tuple(
                Asked(id=step.record_id, asked=step.asked, groups=step.groups)
                for step in steps
                if step.because == "asked"
            ),
        )
        fields: Fields = body.model_dump(mode="json")
        return await self.changes.propose(ERASURE, fields, why, caller, dry_run=dry_run)

    async def listed(self, caller: Caller) -> list[Fields]:
        """Every erasure, oldest first, without values."""
        require(caller, Action.PROPOSE_ERASURE)
        return [dict(row) for row in await self.lookup.ask("erasures", {})]

    async def certificate(self, start: str, caller: Caller) -> Fields:
        """What an erasure did. Raises NotFound, also while it is under way."""
        require(caller, Action.PROPOSE_ERASURE)
        wanted = start.strip().lower()
        if not wanted or not wanted.isalnum():
            raise NotFound(f"erasure {start[:40]!r}: there is none; see `auditspan erasures list`")
        found = await self.lookup.ask("certificate", {"id": wanted})
        if not found:
            raise NotFound(
                f"erasure {start[:40]!r}: no certificate; it is under way, waits for approval, or "
                "there is none: see `auditspan erasures list`"
            )
        text: Fields = json.loads(str(found[0]["certificate"]))
        return text


def quotes_any(texts: frozenset[str], subject: str) -> bool:
    """Whether some text holds the subject."""
    return any(quotes(text, [subject]) for text in texts)


def erasure_handler(
    lookup: Lookup, holds: HoldFiles, purge: Purge, letters: Path | None = None
) -> Handler:
    """The kind of change."""

    def check(fields: Fields) -> Effect:
        body = body_of(fields)
        # In a thread of its own, without a loop.
        steps = asyncio.run(planned(lookup, letters, body.records, holds.all()))
        return _effect(body, steps, purge)

    def show(fields: Fields, base: str) -> Fields:
        del base
        body = body_of(fields)
        rows = [(each.id, ", ".join(each.groups)) for each in body.records]
        return {"erasure": body.id, "changes": [_removed(*row) for row in rows]}

    return Handler(
        ERASURE,
        Action.PROPOSE_ERASURE,
        Action.APPROVE_ERASURE,
        check,
        show,
        see=Action.PROPOSE_ERASURE,
    )


def _effect(body: Body, steps: Sequence[Step], purge: Purge) -> Effect:
    def put(record: ControlRecord) -> None:
        del record  # the engine reads it in the spool
        try:
            purge(steps)
        except OSError as error:
            raise ControlUnavailable(
                f"the erasure is recorded, but what waits for another backend was not cleared: "
                f"{error.strerror}; approve it again"
            ) from error

    named = [step.told() for step in steps if step.because != "request"]
    told: Fields = {
        "erasure": body.id,
        "records": [*named],
        "same_requests": len(steps) - len(named),
    }
    entries: list[JsonValue] = [dict(step.entry()) for step in steps]
    brief: Fields = {"erasure": body.id, "records": len(steps)}
    return Effect(RECORD_ERASED, {"id": body.id, "erased": entries}, put, told, brief)


def _int(value: JsonValue) -> int:
    return value if isinstance(value, int) else 0


def _named(asked: Asked) -> Asked:
    groups = tuple(sorted({group for name in asked.asked for group in groups_of(name)}))
    if not groups:
        raise ControlInvalid(f"record {asked.id}: name a field: a column, a group, or * for all")
    return Asked(id=asked.id, asked=groups)


def _removed(name: str, groups: str) -> Fields:
    said = f"{name}: {groups}"
    return {
        "change": "removed",
        "kind": "content",
        "name": said,
        "field": "",
        "before": groups,
        "after": None,
    }
