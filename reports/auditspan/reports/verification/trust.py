"""Whose signatures count: a policy of the auditor's, or else the public keys of the data folder.

A policy names the root log and the notary. The keys of other logs are in the root log, which
says of each when it was begun, and of some that they were revoked.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from auditspan.integrity.control_entry import Kind
from auditspan.integrity.errors import IntegrityError, KeyInvalid, PolicyInvalid
from auditspan.integrity.note import Verifier
from auditspan.integrity.policy import Accepted, Policy, parse_policy, policy_text

FOLDER_KEYS: Final = (
    "keys: the public keys of the data folder, which whoever holds the folder can replace; "
    "name a policy that you got another way with --policy"
)
NO_KEYS: Final = "keys: none; name a policy with --policy"


@dataclass(frozen=True, slots=True)
class Trust:
    """Keys, and where they come from."""

    policy: Policy | None
    """None if there are no keys at all."""
    said: str
    """Where they come from, in a sentence."""
    certified: Mapping[str, tuple[Verifier, ...]] = field(default_factory=dict)
    """Keys by log, as a verified root log has them."""
    revoked: Mapping[str, int] = field(default_factory=dict)
    """Keys that were revoked, with the size up to which they count."""

    @property
    def roots(self) -> tuple[str, ...]:
        """Logs whose keys the policy itself names."""
        return () if self.policy is None else tuple(log.name for log in self.policy.logs)

    def knows(self, origin: str) -> bool:
        """Whether a key of the log is known."""
        return origin in self.roots or origin in self.certified

    def good_until(self, origin: str) -> int | None:
        """The size up to which a log's keys count; None if one of them counts for all."""
        ends = [self.revoked.get(key.vkey) for key in self.certified.get(origin, ())]
        known = [end for end in ends if end is not None]
        return max(known) if known and len(known) == len(ends) else None

    def accept(self, note: bytes) -> Accepted:
        """The checkpoint of a note. Raises `NoteInvalid`, `PolicyInvalid`."""
        if self.policy is None:
            raise PolicyInvalid("no key is trusted")
        more = tuple(key for keys in self.certified.values() for key in keys)
        accepted = replace(self.policy, logs=(*self.policy.logs, *more)).accept(note)
        good = self.revoked.get(accepted.log.vkey)
        if good is not None and accepted.checkpoint.size > good:
            raise PolicyInvalid(
                f"checkpoint of {accepted.checkpoint.origin} at {accepted.checkpoint.size}: its "
                f"key was revoked, and counts up to {good}"
            )
        return accepted

    def with_root(self, bodies: Sequence[tuple[int, str]]) -> "Trust":
        """With the keys that entries of a root log name, by kind and body."""
        certified, revoked = dict(self.certified), dict(self.revoked)
        for kind, body in bodies:
            said = _said(body)
            vkey, good = said.get("vkey"), said.get("good_until_size")
            if kind == Kind.LOG_OPEN and isinstance(vkey, str):
                key = _verifier(vkey)
                if key is not None and key.name == said.get("origin"):
                    certified[key.name] = (*certified.get(key.name, ()), key)
            if kind == Kind.KEY_REVOKE and isinstance(vkey, str) and isinstance(good, int):
                revoked[vkey] = min(good, revoked.get(vkey, good))
        return replace(self, certified=certified, revoked=revoked)


def of_policy(data: bytes, name: str) -> Trust:
    """The trust that a policy file states. Raises `PolicyInvalid`."""
    return Trust(parse_policy(data), f"keys: policy {name}")


def of_folder(public: Path) -> Trust:
    """The keys that a collector has put into `public/` of its data folder."""
    try:
        text = folder_policy(public)
    except (OSError, IntegrityError):
        return Trust(None, NO_KEYS)
    return Trust(parse_policy(text.encode()), FOLDER_KEYS)


def folder_policy(public: Path) -> str:
    """The policy that trusts the keys of a collector. Raises `OSError`, `KeyInvalid`."""
    root = Verifier.parse((public / "root.vkey").read_text().strip())
    notary = Verifier.parse((public / "notary.vkey").read_text().strip())
    return policy_text([root], {"notary": notary}, ["notary"])


def nobody() -> Trust:
    """No keys."""
    return Trust(None, NO_KEYS)


def _said(body: str) -> dict[str, object]:
    try:
        said = json.loads(body)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def _verifier(vkey: str) -> Verifier | None:
    try:
        return Verifier.parse(vkey)
    except KeyInvalid:
        return None
