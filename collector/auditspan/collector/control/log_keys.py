"""The keys of logs: which there are, another one for the open log, and an end for one.

Private keys are with the signing process alone. What is read here is its state and the public keys;
what is asked for becomes a control record, which engine and signing process carry out when they
come to it: at once, or at the next start of a stopped collector. The record says who asked and why,
and is sealed in the log that comes after.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from auditspan.collector.control.errors import ControlConflict, ControlInvalid, NotFound
from auditspan.collector.control.fields import Fields
from auditspan.collector.control.journal import Journal
from auditspan.collector.control.log_key_kinds import LOG_KEY_REVOKED, LOG_KEY_ROTATED
from auditspan.collector.control.records import ControlRecord, Party, Why
from auditspan.collector.control.two_persons import require
from auditspan.collector.data_dir import SIGNER
from auditspan.collector.signer.state import LogHead, State, read_state
from auditspan.identity.caller import Caller
from auditspan.identity.roles import Action
from auditspan.integrity.errors import IntegrityError
from auditspan.integrity.note import Verifier

PINNED = ("root", "notary")
"""Keys that auditors pin."""


@dataclass(frozen=True, slots=True)
class LogKeys:
    """The keys of one data folder."""

    journal: Journal
    data: Path
    """The data folder."""

    def listed(self, caller: Caller) -> list[Fields]:
        """Root log, notary, and every log, the oldest first. Raises ControlForbidden."""
        require(caller, Action.LOG_KEYS)
        state = self._state()
        return [*self._pinned(state), *(_of_log(log) for log in state.logs)]

    async def rotate(self, why: Why, caller: Caller) -> Fields:
        """Ask for another log with another key.

        Raises ControlForbidden, ControlInvalid, ControlConflict and what `submit` raises.
        """
        require(caller, Action.LOG_KEYS)
        _check_reason(why)
        async with self.journal.one:
            log = _open_log(self._state())
            body: Fields = {"id": key_id(log.vkey), "log": log.origin, "vkey": log.vkey}
            await self._write(LOG_KEY_ROTATED, body, why, caller)
            return _of_log(log)

    async def revoke(self, id: str, good: int | None, why: Why, caller: Caller) -> Fields:
        """Ask that a log's key counts for `good` entries, None being all that it has signed.

        Raises NotFound and as `rotate` does.
        """
        require(caller, Action.LOG_KEYS)
        _check_reason(why)
        async with self.journal.one:
            state = self._state()
            log = _found(id, state, self._pinned(state))
            if good is not None and not 0 <= good <= log.size:
                raise ControlInvalid(
                    f"good_until: is {good}, expected 0 to {log.size}, which is how many entries "
                    f"the key {id} has signed"
                )
            if 0 <= log.good <= (log.size if good is None else good):
                raise ControlConflict(
                    f"key {id}: it was revoked already, and counts for {log.good} entries"
                )
            body: Fields = {"id": id, "log": log.origin, "vkey": log.vkey}
            if good is not None:
                body["good_until_size"] = good
            await self._write(LOG_KEY_REVOKED, body, why, caller)
            return _of_log(log)

    def _state(self) -> State:
        try:
            return read_state(self.data / SIGNER)
        except ValueError as error:
            raise ControlConflict(f"{error}") from error

    def _pinned(self, state: State) -> Iterator[Fields]:
        for name in PINNED:
            try:
                vkey = (self.data / "public" / f"{name}.vkey").read_text().strip()
                verifier = Verifier.parse(vkey)
            except (OSError, IntegrityError):
                continue
            size = state.root_size if name == "root" else None
            yield _row(verifier.vkey, name, "in use", size)

    async def _write(self, kind: str, body: Fields, why: Why, caller: Caller) -> None:
        await self.journal.write(
            ControlRecord(
                kind=kind,
                at_ns=self.journal.now_ns(),
                why=why,
                body=body,
                requester=Party.of(caller),
            )
        )


def key_id(vkey: str) -> str:
    """The 8 hex digits by which notes name a key."""
    return vkey.split("+")[1]


def _open_log(state: State) -> LogHead:
    log = state.logs[-1] if state.logs else None
    if log is None or log.state != "open":
        raise ControlConflict(
            "no log is open: the next start of the collector (`auditspan up`) begins one, with a "
            "key of its own"
        )
    return log


def _found(id: str, state: State, pinned: Iterator[Fields]) -> LogHead:
    for log in state.logs:
        if key_id(log.vkey) == id:
            return log
    for row in pinned:
        if row["id"] == id:
            raise ControlConflict(
                f"key {id}: it is that of the {row['use']}, which no log can revoke, because "
                "auditors pin it: tell them, and begin another deployment (docs/keys.md)"
            )
    raise NotFound(f"key {id!r}: no log has one, see `auditspan keys list`")


def _check_reason(why: Why) -> None:
    if not why.reason.strip():
        raise ControlInvalid("reason: expected why, for whoever verifies later")


def _of_log(log: LogHead) -> Fields:
    row = _row(log.vkey, "log", "in use" if log.state == "open" else log.state, log.size)
    if log.good >= 0:
        row |= {"state": f"revoked, {log.state}", "good_until": log.good}
    return row


def _row(vkey: str, use: str, state: str, size: int | None) -> Fields:
    name = vkey.split("+")[0]
    return {
        "id": key_id(vkey),
        "use": use,
        "name": name,
        "state": state,
        "size": size,
        "good_until": None,
        "vkey": vkey,
    }
