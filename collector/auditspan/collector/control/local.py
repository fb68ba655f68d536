"""The controls of a stopped collector, used on its folder: the other half of `remote.py`."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from auditspan.collector.backup.client import BackupsClient, LocalBackups
from auditspan.collector.control.deadletters_client import DeadLettersClient, LocalDeadLetters
from auditspan.collector.control.erasures_client import LocalPrivacy, PrivacyClient
from auditspan.collector.control.fields import Fields
from auditspan.collector.control.human_client import HumanClient, LocalHuman
from auditspan.collector.control.keys import Wish
from auditspan.collector.control.log_keys_client import LocalLogKeys, LogKeysClient
from auditspan.collector.control.offline import caller_of
from auditspan.collector.control.records import Why
from auditspan.collector.control.service import Controls, open_controls
from auditspan.collector.control.stopped import submitting
from auditspan.collector.data_dir import DataDir
from auditspan.collector.query.lookups import in_folder
from auditspan.collector.reach import token_of
from auditspan.collector.secret_files import ensure_secrets
from auditspan.identity.caller import Caller
from auditspan.registry import Bundle


@contextmanager
def local(data: DataDir, token_file: Path) -> Iterator["LocalClient"]:
    """A client on a folder whose lock this process holds."""
    # A folder that was only prepared has no token yet.
    ensure_secrets(data)
    caller = caller_of(data, token_of(token_file))
    registry, api_keys = data.folder("registry"), data.secret("api_keys.json")
    with submitting(data) as submit, in_folder(data.folder("store")) as lookup:
        yield LocalClient(open_controls(registry, api_keys, submit, lookup=lookup), caller)


@dataclass(frozen=True, slots=True)
class LocalClient:
    """Works on a folder whose lock this process holds."""

    controls: Controls
    caller: Caller
    """Who asks."""

    def apply(self, bundle: Bundle, why: Why, *, dry_run: bool = False) -> Fields:
        """Propose a bundle."""
        return asyncio.run(self.controls.apply(bundle, why, self.caller, dry_run=dry_run))

    def changes(self, *, all: bool = False) -> list[Fields]:
        """The proposals."""
        return self.controls.changes.listed(self.caller, all=all)

    def change(self, start: str) -> Fields:
        """One proposal."""
        return self.controls.changes.show(start, self.caller)

    def approve(self, start: str, reason: str) -> Fields:
        """Put a proposal in force."""
        return asyncio.run(self.controls.changes.approve(start, reason, self.caller))

    def reject(self, start: str, reason: str) -> Fields:
        """End somebody else's proposal."""
        return asyncio.run(self.controls.changes.reject(start, reason, self.caller))

    def withdraw(self, start: str, reason: str) -> Fields:
        """End one's own proposal."""
        return asyncio.run(self.controls.changes.withdraw(start, reason, self.caller))

    def agents(self) -> list[Fields]:
        """All agents."""
        return self.controls.agents(self.caller)

    def disable(self, agent: str, why: Why) -> Fields:
        """Stop an agent."""
        return asyncio.run(self.controls.disable(agent, why, self.caller))

    def enable(self, agent: str, why: Why) -> Fields:
        """Propose that an agent may act again."""
        return asyncio.run(self.controls.enable(agent, why, self.caller))

    def issue(self, wish: Wish, why: Why) -> Fields:
        """Issue a key."""
        return asyncio.run(self.controls.issue(wish, why, self.caller))

    def revoke(self, key_id: str, why: Why) -> Fields:
        """End a key."""
        return asyncio.run(self.controls.revoke(key_id, why, self.caller))

    def list_keys(self) -> list[Fields]:
        """All keys."""
        return self.controls.list_keys(self.caller)

    def history(self) -> list[Fields]:
        """Every version."""
        return self.controls.history(self.caller)

    def bundle(self, version: str = "") -> Bundle:
        """The texts of a version."""
        return Bundle(self.controls.bundle(version, self.caller))

    def human(self) -> HumanClient:
        """Reviews and recertification."""
        return LocalHuman(self.controls.human, self.caller)

    def privacy(self) -> PrivacyClient:
        """Erasures and holds."""
        return LocalPrivacy(self.controls.privacy, self.caller)

    def log_keys(self) -> LogKeysClient:
        """The keys of logs."""
        return LocalLogKeys(self.controls.log_keys, self.caller)

    def dead_letters(self) -> DeadLettersClient:
        """Dead letters."""
        return LocalDeadLetters(self.controls.dead, self.caller)

    def backups(self, data: DataDir) -> BackupsClient:
        """Snapshots of the data folder."""
        return LocalBackups(data, self.controls.journal, self.caller)
