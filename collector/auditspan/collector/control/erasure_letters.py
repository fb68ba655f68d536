"""Dead letters in an erasure: named by their id, or found because they quote somebody.

A letter goes as a whole, and with it the hash of its request wherever that stands. In proposals and
in the log it has the place of a record, with the group `dead_letter` and no place in a log.
"""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from auditspan.collector import letters
from auditspan.collector.control.erasure_plan import LETTER, Asked, Step, plan, with_requests
from auditspan.collector.control.erasure_values import forms
from auditspan.collector.control.fields import Fields
from auditspan.collector.control.holds_files import Hold
from auditspan.collector.control.records import rfc3339
from auditspan.collector.letters import Letter
from auditspan.collector.query.lookups import Lookup


async def planned(
    lookup: Lookup, folder: Path | None, records: Sequence[Asked], holds: Iterable[Hold]
) -> list[Step]:
    """What is to be done to records and letters. Raises as `plan` does."""
    active = [hold for hold in holds if hold.is_open]
    named = {each.id: letters.read(folder, each.id) if folder else None for each in records}
    found = [letter for letter in named.values() if letter]
    others = [each for each in records if named[each.id] is None]
    steps = await plan(lookup, others, active) if others or not found else []
    return [*steps, *await with_requests(lookup, [_step(each) for each in found], active)]


def quoting(folder: Path | None, subject: str) -> list[Fields]:
    """The letters in which a text stands, as rows beside those of records."""
    needles = [form.encode() for form in forms(subject)]
    found = letters.all_of(folder) if folder else iter(())
    return [_told(each) for each in found if folder and _quotes(folder, each, needles)]


def _quotes(folder: Path, letter: Letter, needles: Sequence[bytes]) -> bool:
    return any(needle in data for data in _texts(folder, letter) for needle in needles)


def _texts(folder: Path, letter: Letter) -> Iterator[bytes]:
    yield letter.reason.encode()
    yield letter.again.encode()
    yield letters.data_of(folder, letter) or b""


def _told(letter: Letter) -> Fields:
    return {
        "id": letter.id,
        "at": rfc3339(letter.received_at or letter.dead_at),
        "agent": letter.principal_id.removeprefix("agent:"),
        "tool": "(a dead letter)",
        "groups": [LETTER],
    }


def _step(letter: Letter) -> Step:
    # The batch that waits for another backend has the name of the whole.
    batch = letter.batch_id.partition(".p")[0]
    groups = (LETTER,)
    return Step(letter.id, "", 0, batch, letter.request_digest, groups, groups, "asked")
