"""Dead letters: which there are, what is in one, and asking that one is processed again.

The files are read here, so that they can be listed while the engine does not run. What is asked for
is a control record, which the engine carries out (`engine/retrying.py`): at once, or at the next
start of a stopped collector. Content is shown to who may read content, and that is recorded before.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from auditspan.collector import letters
from auditspan.collector.control.deadletter_kinds import DEADLETTER_RETRY, DEADLETTER_SHOWN
from auditspan.collector.control.errors import ControlConflict, ControlUnavailable, NotFound
from auditspan.collector.control.fields import Fields
from auditspan.collector.control.journal import Journal
from auditspan.collector.control.letter_contents import contents
from auditspan.collector.control.records import ControlRecord, Party, Why, rfc3339
from auditspan.collector.control.two_persons import require
from auditspan.collector.data_dir import DataDir
from auditspan.collector.letters import Letter
from auditspan.collector.query.lookups import Lookup
from auditspan.identity.caller import Caller
from auditspan.identity.roles import Action

_SEE: Final = "see `auditspan deadletter list --all`"


@dataclass(frozen=True, slots=True)
class DeadLetters:
    """The dead letters of one data folder. Every method raises ControlForbidden."""

    journal: Journal
    folder: Path
    """Where their files are."""
    lookup: Lookup

    async def listed(self, caller: Caller, *, all: bool = False) -> list[Fields]:
        """Those that are here, the oldest first; with `all` those that are done as well.

        Raises ControlUnavailable with `all`.
        """
        require(caller, Action.DEAD_LETTERS)
        here = sorted(letters.all_of(self.folder), key=lambda each: (each.received_at, each.id))
        rows = [_row(each, caller) for each in here]
        gone = [row async for row in self._gone({each.id for each in here})] if all else []
        return [*gone, *rows]

    async def show(self, id: str, caller: Caller, *, content: bool = False) -> Fields:
        """One letter, decoded as far as it can be; values only with `content`.

        Raises NotFound, and with `content` what `submit` raises.
        """
        require(caller, Action.DEAD_LETTERS)
        if content:
            require(caller, Action.READ_CONTENT)
        letter = await self._found(id)
        data = letters.data_of(self.folder, letter)
        if content:
            await self._write(DEADLETTER_SHOWN, id, Why(), caller)
        return _row(letter, caller) | contents(data, content=content)

    async def retry(self, id: str, why: Why, caller: Caller) -> Fields:
        """Ask that a letter is processed again. Raises NotFound, ControlConflict and what `submit`
        raises."""
        require(caller, Action.DEAD_LETTERS)
        async with self.journal.one:
            letter = await self._found(id)
            if not letter.retryable or letter.reason == letters.ERASED:
                why_not = "it was erased" if letter.reason == letters.ERASED else "it is no frame"
                raise ControlConflict(f"dead letter {id}: {why_not}, so nothing can be read of it")
            await self._write(DEADLETTER_RETRY, id, why, caller)
            return _row(letter, caller)

    async def _found(self, id: str) -> Letter:
        letter = letters.read(self.folder, id)
        if letter is not None:
            return letter
        try:
            known = await self.lookup.ask("dead_letters", {"id": id}) if id else []
        except ControlUnavailable:
            known = []
        if known:
            raise ControlConflict(f"dead letter {id}: it {self._became(known[0])}")
        raise NotFound(f"dead letter {id[:200]!r}: there is none; {_SEE}")

    async def _gone(self, here: set[str]) -> AsyncIterator[Fields]:
        for row in await self.lookup.ask("dead_letters", {"id": ""}):
            # Several collectors may share a store, and each has its own letters.
            if row["id"] not in here and str(row["id"]).startswith(f"{self._instance()}-"):
                at = row.pop("received_at_ns")
                yield {key: value for key, value in row.items() if key != "ended"} | {
                    "received_at": rfc3339(at if isinstance(at, int) else 0),
                    "state": self._became(row),
                    "reason": Letter("", "", str(row["stage"]), "").words,
                    "tries": None,
                }

    def _became(self, row: Fields) -> str:
        """What became of a letter whose files are not here."""
        if row["ended"]:
            return "is stored"
        today = rfc3339(self.journal.now_ns())[:10]
        return (
            "has expired" if str(row["expires_on"]) <= today else "is not here: its files are gone"
        )

    def _instance(self) -> str:
        return DataDir(self.folder.parent).instance

    async def _write(self, kind: str, id: str, why: Why, caller: Caller) -> None:
        await self.journal.write(
            ControlRecord(
                kind=kind,
                at_ns=self.journal.now_ns(),
                why=why,
                body={"id": id},
                requester=Party.of(caller),
            )
        )


def _row(letter: Letter, caller: Caller) -> Fields:
    """A reason may quote the sender: it is for who may read content."""
    whole = caller.may(Action.READ_CONTENT)
    return {
        "id": letter.id,
        "received_at": rfc3339(letter.received_at or letter.dead_at),
        "principal": letter.principal_id,
        "stage": letter.stage,
        "reason": letter.reason if whole else letter.words,
        "bytes": letter.size,
        "request_digest": letter.request_digest,
        "expires_on": letter.expiry,
        "state": "open" if letter.retryable else "open, cannot be read again",
        "tries": letter.tries,
        "last_failure": letter.again if whole or not letter.again else "failed again",
    }
