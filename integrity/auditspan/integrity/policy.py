"""Trust policies: which logs count, and whose cosignatures a checkpoint needs
(https://c2sp.org/tlog-policy). An auditor gets this file out of band, never with the evidence.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from auditspan.integrity.checkpoint import Checkpoint, parse_checkpoint
from auditspan.integrity.errors import KeyInvalid, PolicyInvalid
from auditspan.integrity.note import COSIGNATURE, ED25519, Verifier, open_note

NONE: Final = "none"
_MAX_LINES: Final = 10_000
_NUMBER: Final = re.compile(r"[1-9][0-9]{0,5}", re.ASCII)

_Rule: TypeAlias = Callable[[Mapping[str, int]], bool]
"""Whether it is met, given who cosigned."""


@dataclass(frozen=True, slots=True)
class Group:
    """Witnesses, or groups of them, of which some have to sign."""

    threshold: int
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Accepted:
    """A checkpoint that meets the policy."""

    checkpoint: Checkpoint
    log: Verifier
    """Who issued it."""
    cosigned: Mapping[str, int]
    """Unix seconds of each witness's newest cosignature, by its name in the policy."""


@dataclass(frozen=True, slots=True)
class Policy:
    """A trust policy."""

    logs: tuple[Verifier, ...]
    witnesses: Mapping[str, Verifier]
    groups: Mapping[str, Group]
    quorum: str
    """A witness, a group or `none`."""

    def accept(self, note: bytes) -> Accepted:
        """The checkpoint of a note. Raises `NoteInvalid`, `PolicyInvalid`."""
        opened = open_note(note, (*self.logs, *self.witnesses.values()))
        checkpoint = parse_checkpoint(opened.text)
        signed = {(v.verifier.name, v.verifier.key_id): v.seconds for v in opened.verified}
        issuers = (
            log
            for log in self.logs
            if log.name == checkpoint.origin and (log.name, log.key_id) in signed
        )
        log = next(issuers, None)
        if log is None:
            raise PolicyInvalid(
                f"checkpoint of {checkpoint.origin[:200]!r}: no such log is trusted"
            )
        cosigned = {
            name: signed[witness.name, witness.key_id]
            for name, witness in self.witnesses.items()
            if (witness.name, witness.key_id) in signed
        }
        if not self._met(self.quorum, cosigned):
            raise PolicyInvalid(
                f"checkpoint of {checkpoint.origin}: cosigned by {sorted(cosigned) or 'nobody'}, "
                f"which is not the quorum {self.quorum}"
            )
        return Accepted(checkpoint, log, cosigned)

    def _met(self, name: str, cosigned: Mapping[str, int]) -> bool:
        if name == NONE or name in cosigned:
            return True
        group = self.groups.get(name)
        if group is None:
            return False
        return sum(self._met(member, cosigned) for member in group.members) >= group.threshold


@dataclass(slots=True)
class _Reading:
    """A policy as far as it was read."""

    logs: list[Verifier]
    witnesses: dict[str, Verifier]
    groups: dict[str, Group]
    members: set[str]
    quorum: str = ""

    def line(self, words: Sequence[str]) -> None:
        """Take one line. Raises `ValueError` with what is wrong."""
        match words:
            case ["log", vkey] | ["log", vkey, _]:
                self.logs.append(self._key(vkey, ED25519))
            case ["witness", name, vkey] | ["witness", name, vkey, _]:
                self.witnesses[self._new(name)] = self._key(vkey, COSIGNATURE)
            case ["group", name, count, *members] if members:
                self._group(name, count, members)
            case ["quorum", name] if not self.quorum:
                if name != NONE:
                    self._known(name)
                self.quorum = name
            case ["quorum", *_] if self.quorum:
                raise ValueError("a second quorum")
            case _:
                raise ValueError("expected log, witness, group or quorum with its parts")

    def _key(self, vkey: str, type: int) -> Verifier:
        """A key of its own: a log that is its own witness is witnessed by nobody."""
        verifier = Verifier.parse(vkey)
        if verifier.type != type:
            raise ValueError(f"key of {verifier.name} has type {verifier.type}, expected {type}")
        if any(other.public == verifier.public for other in (*self.logs, *self.witnesses.values())):
            raise ValueError(f"key of {verifier.name} stands here twice")
        return verifier

    def _group(self, name: str, count: str, members: Sequence[str]) -> None:
        for member in members:
            self._known(member)
            if member in self.members:
                raise ValueError(f"{member} is a member twice")
            self.members.add(member)
        words = {"any": 1, "all": len(members)}
        if count not in words and not _NUMBER.fullmatch(count):
            raise ValueError(f"group {name}: expected all, any or a number, got {count[:40]!r}")
        threshold = words[count] if count in words else int(count)
        if threshold > len(members):
            raise ValueError(f"group {name}: {threshold} of {len(members)} members")
        self.groups[self._new(name)] = Group(threshold, tuple(members))

    def _new(self, name: str) -> str:
        if name == NONE or name in self.witnesses or name in self.groups:
            raise ValueError(f"the name {name} is taken")
        return name

    def _known(self, name: str) -> None:
        if name not in self.witnesses and name not in self.groups:
            raise ValueError(f"{name} is not defined above")


def parse_policy(data: bytes) -> Policy:
    """Read a policy. Raises `PolicyInvalid` with the number of the line."""
    if re.search(rb"[^\t\n\x20-\x7e\x80-\xff]", data):
        raise PolicyInvalid("policy: a control character that is neither tab nor line feed")
    # Bytes above ASCII mean nothing to us, but they stay what they are.
    lines = data.decode(errors="surrogateescape").split("\n")
    if len(lines) > _MAX_LINES:
        raise PolicyInvalid(f"policy of {len(lines)} lines, expected at most {_MAX_LINES}")
    reading = _Reading([], {}, {}, set())
    for number, line in enumerate(lines, 1):
        words = [word for word in re.split("[ \t]+", line) if word]
        if not words or words[0].startswith("#"):
            continue
        try:
            reading.line(words)
        except (ValueError, KeyInvalid) as error:
            raise PolicyInvalid(f"policy, line {number}: {error}") from error
    if not reading.quorum:
        raise PolicyInvalid("policy: expected one line `quorum`; without witnesses, `quorum none`")
    return Policy(tuple(reading.logs), reading.witnesses, reading.groups, reading.quorum)


def policy_text(
    logs: Sequence[Verifier], witnesses: Mapping[str, Verifier], quorum: Sequence[str] = ()
) -> str:
    """A policy that trusts these logs, and asks for all of the named witnesses."""
    lines = [f"log {log.vkey}" for log in logs]
    lines += [f"witness {name} {key.vkey}" for name, key in witnesses.items()]
    lines += [f"group quorum all {' '.join(quorum)}"] if len(quorum) > 1 else []
    lines.append(f"quorum {'quorum' if len(quorum) > 1 else (quorum or (NONE,))[0]}")
    return "\n".join([*lines, ""])
