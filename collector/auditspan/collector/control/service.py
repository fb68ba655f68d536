"""The controls of one data folder: what the API of a running collector and the CLI both call.

One change at a time. Order: 1. check, 2. the record goes into the spool (`submit` returns when it
is durable), 3. the change comes into force. A crash in between leaves a record of something that
did not happen and an error at the caller, who applies again; never a change without a record.
Keys are the exception, on the safe side: a new key is useless until it is shown, so it is made
before its record and revoked if that cannot be written; a revoked key ends before its record.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import JsonValue

from auditspan.collector.control import apply, keys
from auditspan.collector.control.apply import Plan
from auditspan.collector.control.errors import NotFound
from auditspan.collector.control.records import ControlRecord, Why, rfc3339
from auditspan.collector.control.versions import Versions, bundle_of
from auditspan.identity.api_keys import ApiKeys
from auditspan.policy import Calendar
from auditspan.registry import Bundle

Submit = Callable[[str], Awaitable[None]]
"""Puts the JSON of a control record into the spool; returns when it is durable."""
Fields = dict[str, JsonValue]


@dataclass(slots=True)
class Controls:
    """Applies changes and answers what is in force."""

    versions: Versions
    """The versions of the registry."""
    api_keys: ApiKeys
    """The API keys."""
    submit: Submit
    """Makes a record durable."""
    calendar: Calendar = field(default_factory=Calendar)
    """When the business works, for the examples; that of the collector's configuration."""
    now_ns: Callable[[], int] = time.time_ns
    """The clock."""
    applied: Callable[[ControlRecord], None] = lambda _: None
    """Told of every change that came into force, for example to check credentials anew."""
    _one: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def apply(self, bundle: Bundle, why: Why, *, dry_run: bool = False) -> Fields:
        """Put a bundle in force, or say what that would do. Raises ControlInvalid, ControlRefused
        and what `submit` raises."""
        async with self._one:
            current = self.versions.current()
            # Validation may take a second; the collector goes on meanwhile.
            plan = await asyncio.to_thread(apply.plan, bundle, current, self.calendar)
            if dry_run or not plan.is_new:
                return _outcome(plan, None)
            record = plan.record(why, self._next_ns())
            await self.submit(record.to_json())
            self.versions.store(record)
            self.applied(record)
            return _outcome(plan, record)

    async def issue(self, wish: keys.Wish, why: Why) -> Fields:
        """Issue a key; the answer is the only place where it is ever shown."""
        async with self._one:
            current = self.versions.current()
            keys.checked(wish, current.registry() if current else None)
            text, record = keys.issue(self.api_keys, wish, why, self.now_ns())
            try:
                await self.submit(record.to_json())
            except BaseException:
                self.api_keys.revoke(str(record.body["id"]))
                raise
            self.applied(record)
            return {**record.body, "key": text}

    async def revoke(self, key_id: str, why: Why) -> Fields:
        """End a key. It ends even if the record cannot be written; then call again."""
        async with self._one:
            record = keys.revoke(self.api_keys, key_id, why, self.now_ns())
            self.applied(record)
            await self.submit(record.to_json())
            return dict(record.body)

    def list_keys(self) -> list[Fields]:
        """All keys, without their secrets."""
        return [keys.shown(key) for key in self.api_keys.list()]

    def history(self) -> list[Fields]:
        """Every version, oldest first, without texts."""
        return [_listed(record) for record in self.versions.records()]

    def bundle(self, version: str = "") -> Mapping[str, str]:
        """The texts of a version, "" being the one in force; a prefix is enough."""
        if not version:
            current = self.versions.current()
            if current is None:
                raise NotFound("no registry is in force; apply one")
            return current.files
        return bundle_of(self._record(version)).files

    def _record(self, version: str) -> ControlRecord:
        wanted = version.removeprefix("sha256:")
        records = {
            str(r.body["version"]).removeprefix("sha256:"): r for r in self.versions.records()
        }
        found = [name for name in records if name.startswith(wanted)]
        if len(found) != 1:
            what = "several versions begin" if found else "no version begins"
            raise NotFound(f"{what} with {version!r}; see `auditspan history`")
        return records[found[0]]

    def _next_ns(self) -> int:
        """Now, but after every version before it: a clock set back must not reorder history."""
        records = self.versions.records()
        return max(self.now_ns(), records[-1].at_ns + 1 if records else 0)


def open_controls(
    registry: Path, api_keys: Path, submit: Submit, calendar: Calendar | None = None
) -> Controls:
    """The controls of a data folder."""
    return Controls(Versions(registry), ApiKeys(api_keys), submit, calendar or Calendar())


def _outcome(plan: Plan, record: ControlRecord | None) -> Fields:
    return {
        "applied": record is not None,
        "version": plan.registry.version,
        "policy_version": plan.registry.policy_version,
        "previous": plan.previous,
        "at": rfc3339(record.at_ns) if record else "",
        "changes": [change.to_dict() for change in plan.changes],
        "examples": [result.to_dict() for result in plan.results],
        "counts": {
            "agents": len(plan.registry.agents),
            "tools": len(plan.registry.tools),
            "grants": len(plan.registry.grants),
            "policies": len(plan.registry.policies),
        },
    }


def _listed(record: ControlRecord) -> Fields:
    changes = record.body.get("changes")
    return {
        "at": rfc3339(record.at_ns),
        "version": record.body["version"],
        "policy_version": record.body["policy_version"],
        "previous": record.body["previous"],
        "changes": len(changes) if isinstance(changes, list) else 0,
        "requested_by": record.why.requested_by,
        "approved_by": record.why.approved_by,
        "ticket": record.why.ticket,
        "reason": record.why.reason,
    }
