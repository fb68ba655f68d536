"""The controls of one data folder: what the API of a running collector and the CLI both call.

Every method is asked by a caller and demands the action that it takes. One change at a time, in
this order: 1. check, 2. the record goes into the spool (`submit` returns when it is durable),
3. the change comes into force. A crash in between leaves a record of something that did not happen
and an error at the caller, who asks again; never a change without a record. `changes.py` says who
decides on a change of the registry, and in which order.
Keys are the exception, on the safe side: a new key is useless until it is shown, so it is made
before its record and revoked if that cannot be written; a revoked key ends before its record.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from auditspan.collector import letters
from auditspan.collector.control import agents, keys
from auditspan.collector.control.change_answers import told
from auditspan.collector.control.changes import Changes
from auditspan.collector.control.deadletters import DeadLetters
from auditspan.collector.control.erasures import Erasures, erasure_handler, in_folder
from auditspan.collector.control.erasures_api import Privacy
from auditspan.collector.control.errors import NotFound
from auditspan.collector.control.expiries import Expiries, expiry_handler
from auditspan.collector.control.fields import Fields
from auditspan.collector.control.handlers import Handler
from auditspan.collector.control.history import listed
from auditspan.collector.control.holds import Holds, hold_handler
from auditspan.collector.control.holds_files import HoldFiles
from auditspan.collector.control.human import Human
from auditspan.collector.control.journal import Journal, Submit
from auditspan.collector.control.log_keys import LogKeys
from auditspan.collector.control.proposals import Proposals
from auditspan.collector.control.records import ControlRecord, Party, Why
from auditspan.collector.control.registry_handler import registry_handler
from auditspan.collector.control.two_persons import require
from auditspan.collector.control.versions import Versions, bundle_of
from auditspan.collector.query.lookups import Lookup, no_store
from auditspan.identity.api_keys import ApiKeys
from auditspan.identity.caller import Caller
from auditspan.identity.roles import Action
from auditspan.policy import Calendar
from auditspan.registry import Bundle

__all__ = ["Controls", "Fields", "Submit", "open_controls"]


@dataclass(slots=True)
class Controls:
    """Takes changes and answers what is in force. Every method raises ControlForbidden."""

    journal: Journal
    """Where records go."""
    api_keys: ApiKeys
    """The API keys."""
    changes: Changes
    """The proposals."""
    human: Human
    """What people are asked for: reviews and recertification."""
    privacy: Privacy
    """Erasures and holds."""
    log_keys: LogKeys
    """The keys of logs."""
    dead: DeadLetters
    """Dead letters."""

    async def apply(
        self, bundle: Bundle, why: Why, caller: Caller, *, dry_run: bool = False
    ) -> Fields:
        """Propose a bundle, put it in force if this caller decides alone, or say what it would do.

        Raises ControlInvalid, ControlRefused, ControlConflict and what `submit` raises.
        """
        body: Fields = {"files": dict(bundle.files)}
        return await self.changes.propose("registry", body, why, caller, dry_run=dry_run)

    async def disable(self, agent_id: str, why: Why, caller: Caller) -> Fields:
        """Let an agent do nothing from now on; one person is enough. Raises NotFound."""
        require(caller, Action.DISABLE)
        async with self.journal.one:
            bundle = self._in_force()
            effect = agents.disabling(bundle, agent_id, self.journal.versions)
            if not effect.is_new:
                return told(effect)
            requester = Party.of(caller)
            self.journal.check()
            await self.journal.write(
                agents.record(agent_id, bundle, why, requester, self.journal.now_ns())
            )
            record = ControlRecord(
                kind=effect.kind,
                at_ns=self.journal.next_ns(),
                why=why,
                body=effect.body,
                requester=requester,
            )
            await self.journal.write(record)
            effect.put(record)
            return told(effect, record)

    async def enable(self, agent_id: str, why: Why, caller: Caller) -> Fields:
        """Propose that an agent may act again. Raises NotFound and as `apply` does."""
        require(caller, Action.PROPOSE)
        bundle = self._in_force()
        body: Fields = {"files": dict(agents.enabled(bundle, agent_id).files)}
        return await self.changes.propose("registry", body, why, caller, base=bundle.version)

    def agents(self, caller: Caller) -> list[Fields]:
        """The agents of the registry in force and their state."""
        require(caller, Action.READ_REGISTRY)
        registry = self.journal.registry()
        return agents.listed(registry, self.journal.versions.records()) if registry else []

    async def issue(self, wish: keys.Wish, why: Why, caller: Caller) -> Fields:
        """Issue a key; the answer is the only place where it is ever shown."""
        require(caller, Action.KEYS)
        async with self.journal.one:
            keys.checked(wish, self.journal.registry())
            requester = Party.of(caller)
            now = self.journal.now_ns()
            text, record = keys.issue(self.api_keys, wish, why, requester, now)
            try:
                await self.journal.write(record)
            except BaseException:
                self.api_keys.revoke(str(record.body["id"]))
                raise
            return {**record.body, "key": text}

    async def revoke(self, key_id: str, why: Why, caller: Caller) -> Fields:
        """End a key. It ends even if the record cannot be written; then call again."""
        require(caller, Action.KEYS)
        async with self.journal.one:
            now = self.journal.now_ns()
            record = keys.revoke(self.api_keys, key_id, why, Party.of(caller), now)
            await self.journal.write(record)
            return dict(record.body)

    def list_keys(self, caller: Caller) -> list[Fields]:
        """All keys, without their secrets."""
        require(caller, Action.KEYS)
        return [keys.shown(key) for key in self.api_keys.list()]

    def history(self, caller: Caller) -> list[Fields]:
        """Every version, oldest first, without texts."""
        require(caller, Action.READ_REGISTRY)
        return [listed(record) for record in self.journal.versions.records()]

    def bundle(self, version: str, caller: Caller) -> Mapping[str, str]:
        """The texts of a version, "" being the one in force; a prefix is enough."""
        require(caller, Action.READ_REGISTRY)
        return bundle_of(self._record(version)).files if version else self._in_force().files

    def _in_force(self) -> Bundle:
        current = self.journal.versions.current()
        if current is None:
            raise NotFound("no registry is in force; apply one")
        return current

    def _record(self, version: str) -> ControlRecord:
        wanted = version.removeprefix("sha256:")
        records = {
            str(r.body["version"]).removeprefix("sha256:"): r
            for r in self.journal.versions.records()
        }
        found = [name for name in records if name.startswith(wanted)]
        if len(found) != 1:
            what = "several versions begin" if found else "no version begins"
            raise NotFound(f"{what} with {version!r}; see `auditspan history`")
        return records[found[0]]


def open_controls(
    registry: Path,
    api_keys: Path,
    submit: Submit,
    calendar: Calendar | None = None,
    handlers: tuple[Handler, ...] = (),
    lookup: Lookup | None = None,
) -> Controls:
    """The controls of a data folder; `handlers` are kinds of changes besides the registry's.

    Without a `lookup` nothing can be asked of the store: no reviews, no last use, no erasures.
    """
    versions, held = Versions(registry), ApiKeys(api_keys)
    journal = Journal(versions, submit)
    own = registry_handler(versions, calendar or Calendar())
    asked, holds = lookup or no_store(), HoldFiles(registry)
    folder = registry.parent / letters.FOLDER
    purge = in_folder(registry.parent)
    privacy = (
        erasure_handler(asked, holds, purge, folder),
        hold_handler(holds),
        expiry_handler(asked, holds),
    )
    kinds = {handler.kind: handler for handler in (own, *privacy, *handlers)}
    changes = Changes(journal, Proposals(registry / "proposals"), held, kinds)
    human = Human.of(journal, held, asked, registry.parent / "spool")
    wanted = Privacy(
        Erasures(changes, asked, holds, letters=folder),
        Holds(journal, changes, holds),
        Expiries(changes, asked, holds),
    )
    log_keys = LogKeys(journal, registry.parent)
    dead = DeadLetters(journal, folder, asked)
    return Controls(journal, held, changes, human, wanted, log_keys, dead)
