"""The controls of a running collector, asked over HTTP: the other end of `api.py`.

An error of the collector is raised here as the error it was there.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import httpx
from pydantic import JsonValue

from auditspan.collector.control.deadletters_client import DeadLettersClient, RemoteDeadLetters
from auditspan.collector.control.erasures_client import PrivacyClient, RemotePrivacy
from auditspan.collector.control.errors import (
    ERRORS,
    ControlDenied,
    ControlError,
    ControlInvalid,
    ControlUnavailable,
    NotFound,
)
from auditspan.collector.control.fields import Fields
from auditspan.collector.control.human_client import HumanClient, RemoteHuman
from auditspan.collector.control.log_keys_client import LogKeysClient, RemoteLogKeys
from auditspan.collector.control.records import Why
from auditspan.collector.data_dir import DataDir

if TYPE_CHECKING:
    # Most questions need none of them, and they take a second to import.
    from auditspan.collector.backup.client import BackupsClient
    from auditspan.collector.control.keys import Wish
    from auditspan.registry import Bundle

_HASH = re.compile(r"(sha256:)?[0-9A-Fa-f]+")


@dataclass(frozen=True, slots=True)
class RemoteClient:
    """Asks a running collector."""

    http: httpx.Client = field(repr=False)
    shown: str = "the credential"
    """What is shown as proof, in words, for the message that says it proves nobody."""

    def apply(self, bundle: "Bundle", why: Why, *, dry_run: bool = False) -> Fields:
        """Propose a bundle."""
        body = {"files": dict(bundle.files), "why": why.model_dump(), "dry_run": dry_run}
        return self._ask("POST", "registry", body)

    def changes(self, *, all: bool = False) -> list[Fields]:
        """The proposals."""
        return _rows(self._ask("GET", "changes", query={"all": "1"} if all else {}), "changes")

    def change(self, start: str) -> Fields:
        """One proposal."""
        return self._ask("GET", f"changes/{_hash(start)}")

    def approve(self, start: str, reason: str) -> Fields:
        """Put a proposal in force."""
        return self._ask("POST", f"changes/{_hash(start)}/approve", {"reason": reason})

    def reject(self, start: str, reason: str) -> Fields:
        """End somebody else's proposal."""
        return self._ask("POST", f"changes/{_hash(start)}/reject", {"reason": reason})

    def withdraw(self, start: str, reason: str) -> Fields:
        """End one's own proposal."""
        return self._ask("POST", f"changes/{_hash(start)}/withdraw", {"reason": reason})

    def agents(self) -> list[Fields]:
        """All agents."""
        return _rows(self._ask("GET", "agents"), "agents")

    def disable(self, agent: str, why: Why) -> Fields:
        """Stop an agent."""
        return self._ask("POST", "agents/disable", {"agent": agent, "why": why.model_dump()})

    def enable(self, agent: str, why: Why) -> Fields:
        """Propose that an agent may act again."""
        return self._ask("POST", "agents/enable", {"agent": agent, "why": why.model_dump()})

    def issue(self, wish: "Wish", why: Why) -> Fields:
        """Issue a key."""
        wanted = {"holder": wish.holder, "kind": wish.kind, "seconds": wish.seconds}
        body = {**wanted, "label": wish.label, "why": why.model_dump()}
        return self._ask("POST", "keys", body)

    def revoke(self, key_id: str, why: Why) -> Fields:
        """End a key."""
        if not key_id.isalnum():
            raise NotFound(f"api key {key_id!r}: there is none, see `auditspan keys list`")
        return self._ask("POST", f"keys/{key_id}/revoke", {"why": why.model_dump()})

    def list_keys(self) -> list[Fields]:
        """All keys."""
        return _rows(self._ask("GET", "keys"), "keys")

    def history(self) -> list[Fields]:
        """Every version."""
        return _rows(self._ask("GET", "history"), "versions")

    def bundle(self, version: str = "") -> "Bundle":
        """The texts of a version."""
        from auditspan.registry import Bundle

        answer = self._ask("GET", "registry", query={"version": version} if version else {})
        return Bundle.from_json(json.dumps(answer))

    def human(self) -> HumanClient:
        """Reviews and recertification."""
        return RemoteHuman(self._ask)

    def privacy(self) -> PrivacyClient:
        """Erasures and holds."""
        return RemotePrivacy(self._ask)

    def log_keys(self) -> LogKeysClient:
        """The keys of logs."""
        return RemoteLogKeys(self._ask)

    def dead_letters(self) -> DeadLettersClient:
        """Dead letters."""
        return RemoteDeadLetters(self._ask)

    def backups(self, data: DataDir) -> "BackupsClient":
        """Snapshots of the data folder."""
        from auditspan.collector.backup.client import RemoteBackups

        return RemoteBackups(data, self._ask)

    def _ask(
        self,
        method: str,
        path: str,
        body: Mapping[str, object] | None = None,
        query: Mapping[str, str] | None = None,
    ) -> Fields:
        try:
            answer = self.http.request(method, f"/v1/control/{path}", json=body, params=query)
            fields = answer.json()
        except httpx.HTTPError as error:
            where = self.http.base_url
            raise ControlUnavailable(f"collector at {where}: no answer ({error})") from error
        except ValueError as error:
            message = (
                f"collector at {self.http.base_url}: answered {answer.status_code} without JSON"
            )
            raise ControlUnavailable(message + "; is this the address of its API?") from error
        if answer.is_success and isinstance(fields, dict):
            return fields
        refusal = _error(answer.status_code, fields)
        if isinstance(refusal, ControlDenied):
            raise ControlDenied(f"{refusal} ({self.shown})", refusal.details)
        raise refusal


def _hash(start: str) -> str:
    """What may stand in a path."""
    if not _HASH.fullmatch(start):
        raise ControlInvalid(
            f"hash: is {start!r}, expected 8 to 64 hex digits; see `auditspan changes`"
        )
    return start


def _rows(answer: Fields, key: str) -> list[Fields]:
    rows = answer.get(key)
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


def _error(status: int, fields: JsonValue) -> ControlError:
    error = fields.get("error") if isinstance(fields, dict) else None
    if not isinstance(error, dict):
        return ControlUnavailable(f"collector answered {status} without a reason")
    details = error.get("details")
    known = [d for d in details if isinstance(d, dict)] if isinstance(details, list) else []
    cls = ERRORS.get(str(error.get("code")), ControlUnavailable)
    return cls(str(error.get("message")), known)
