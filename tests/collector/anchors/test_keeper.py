"""An anchor is kept up to date, over failures and restarts, and what it missed is recorded."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from auditspan.collector.anchors.config import FileAnchorConfig
from auditspan.collector.anchors.errors import AnchorUnavailable, AnchorUnusable
from auditspan.collector.anchors.file import FileAnchor
from auditspan.collector.anchors.keeper import Keeper
from auditspan.collector.anchors.newest import newest_notes
from auditspan.collector.anchors.receipts import newest_receipt, read_receipts
from auditspan.integrity.anchors import Receipt
from auditspan.integrity.keys import new_signer
from tests.collector.anchors.signed import ORIGIN, note, put


@dataclass
class Desk:
    """A data folder, a disk beside it, a clock, and what was recorded."""

    root: Path
    clock: float = 1_800_000_000.0
    records: list[dict[str, object]] = field(default_factory=list)
    failures: int = 0
    takes_nothing: bool = False

    @property
    def data(self) -> Path:
        """The data folder."""
        return self.root / "data"

    @property
    def disk(self) -> Path:
        """The anchor's folder."""
        return self.root / "disk"

    def keeper(self) -> Keeper:
        """One that starts now."""
        config = FileAnchorConfig(name="disk", folder=self.disk, cadence_seconds=60)
        return Keeper(
            FileAnchor(config, self.data),
            self.data / "anchors" / "disk",
            lambda: newest_notes(self.data / "checkpoints", self.data / "public"),
            self.submit,
            self.failed,
            now=lambda: self.clock,
            jitter=lambda: 1.0,
        )

    async def submit(self, text: str) -> None:
        """The spool."""
        if self.takes_nothing:
            raise OSError("no space left")
        self.records.append(json.loads(text))

    def failed(self) -> None:
        """The counter."""
        self.failures += 1


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """With a signed log of three entries."""
    made = Desk(tmp_path)
    made.data.mkdir()
    made.disk.mkdir()
    put(made.data, note(3))
    return made


def rounds(keeper: Keeper, clock: Callable[[float], None], count: int) -> None:
    """Let so many rounds pass on the clock."""
    for _ in range(count):
        clock(asyncio.run(keeper.round()))


def sizes(desk: Desk) -> list[int]:
    """Of all receipts."""
    receipts, problems = read_receipts(desk.data / "anchors" / "disk")
    assert problems == []
    return [receipt.size for receipt in receipts]


def test_each_round_anchors_what_is_new(desk: Desk) -> None:
    """At the cadence; what is anchored already is not anchored twice."""
    keeper = desk.keeper()
    assert asyncio.run(keeper.round()) == 60.0
    assert asyncio.run(keeper.round()) == 60.0
    put(desk.data, note(5))
    desk.clock += 30
    assert keeper.lag() == 30.0
    asyncio.run(keeper.round())
    assert (sizes(desk), keeper.lag(), desk.records) == ([3, 5], 0.0, [])


def test_a_restart_goes_on(desk: Desk) -> None:
    """It knows what is anchored, and when the next is due."""
    asyncio.run(desk.keeper().round())
    desk.clock += 45
    again = desk.keeper()
    assert again.lag() == 45.0
    waited: list[float] = []

    async def wait(seconds: float) -> None:
        waited.append(seconds)
        if len(waited) == 2:
            raise asyncio.CancelledError

    again.wait = wait
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(again.keep())
    assert waited == [15.0, 60.0]
    assert sizes(desk) == [3]


def test_retries_come_slower_and_slower_up_to_the_cadence(desk: Desk) -> None:
    """5, 10, 20, 40, then 60 seconds; each is counted."""
    desk.disk.rmdir()
    keeper = desk.keeper()
    assert [asyncio.run(keeper.round()) for _ in range(6)] == [5.0, 10.0, 20.0, 40.0, 60.0, 60.0]
    assert desk.failures == 6
    desk.disk.mkdir()
    asyncio.run(keeper.round())
    assert (keeper.state.failures, keeper.state.problem) == (0, "")


def test_twice_the_cadence_without_is_recorded_once_and_its_end_too(desk: Desk) -> None:
    """With the finding; a restart in between records nothing again and begins no new count."""
    keeper = desk.keeper()
    asyncio.run(keeper.round())
    put(desk.data, note(4))
    (desk.disk).rename(desk.root / "unplugged")
    desk.clock += 120
    asyncio.run(keeper.round())
    assert desk.records == []
    desk.clock += 1
    asyncio.run(keeper.round())
    desk.clock += 500
    asyncio.run(desk.keeper().round())
    (missed,) = desk.records
    assert (missed["kind"], missed["findings"]) == ("anchor.missed", ["anchor.missed"])
    assert missed["body"] == {
        "id": "disk",
        "since": "2027-01-15T08:00:00Z",
        "cadence_seconds": 60,
        "failures": 1,
        "anchored": {ORIGIN: 3},
    }
    (desk.root / "unplugged").rename(desk.disk)
    again = desk.keeper()
    asyncio.run(again.round())
    assert [record["kind"] for record in desk.records] == ["anchor.missed", "anchor.resumed"]
    assert desk.records[1]["findings"] == []
    assert (sizes(desk), again.lag()) == ([3, 4], 0.0)


def test_a_miss_that_the_spool_does_not_take_is_recorded_later(desk: Desk) -> None:
    """The next round tries again."""
    keeper = desk.keeper()
    desk.clock += 121
    desk.takes_nothing = True
    assert asyncio.run(keeper.round()) == 5.0
    desk.takes_nothing = False
    asyncio.run(keeper.round())
    assert [record["kind"] for record in desk.records] == ["anchor.missed", "anchor.resumed"]


def test_nothing_signed_yet_is_no_failure(desk: Desk) -> None:
    """It looks again soon, and counts from the first note on; one that vanishes later is missed."""
    (desk.data / "checkpoints" / "root.note").unlink()
    keeper = desk.keeper()
    for _ in range(100):
        assert asyncio.run(keeper.round()) == 5.0
        desk.clock += 5
    assert (sizes(desk), desk.failures, desk.records, keeper.lag()) == ([], 0, [], 5.0)
    put(desk.data, note(3))
    asyncio.run(keeper.round())
    (desk.data / "checkpoints" / "root.note").unlink()
    desk.clock += 121
    asyncio.run(keeper.round())
    assert [record["kind"] for record in desk.records] == ["anchor.missed"]


@pytest.mark.parametrize(
    ("now", "says"),
    [
        (note(2), "is behind it: was a backup restored"),
        (note(3, "other"), "is another tree of that size: was a backup restored"),
    ],
)
def test_a_log_that_went_back_is_not_anchored(desk: Desk, now: bytes, says: str) -> None:
    """Its state says what is wrong, and nothing new is kept."""
    asyncio.run(desk.keeper().round())
    put(desk.data, now)
    keeper = desk.keeper()
    asyncio.run(keeper.round())
    assert says in keeper.state.problem
    assert sizes(desk) == [3]


def test_a_note_that_our_keys_have_not_signed_is_not_anchored(desk: Desk) -> None:
    """It could be anybody's, for years."""
    put(desk.data, note(4, signer=new_signer(ORIGIN)))
    keeper = desk.keeper()
    asyncio.run(keeper.round())
    assert "signed by no key that is trusted" in keeper.state.problem
    assert sizes(desk) == []


def test_without_a_root_log_each_log_is_anchored(desk: Desk) -> None:
    """The newest note of each; while the root log's first note is to come, none is."""
    (desk.data / "checkpoints" / "root.note").rename(desk.data / "checkpoints" / "a-1.note")
    asyncio.run(desk.keeper().round())
    assert sizes(desk) == []
    (desk.data / "public" / "root.vkey").rename(desk.data / "public" / "notary.vkey")
    asyncio.run(desk.keeper().round())
    assert sizes(desk) == [3]


def test_a_torn_receipt_is_cut_off(desk: Desk) -> None:
    """What a crash left of a line is no receipt; those before and after it are."""
    keeper = desk.keeper()
    asyncio.run(keeper.round())
    (file,) = (desk.data / "anchors" / "disk").glob("*.jsonl")
    with file.open("ab") as opened:
        opened.write(b'{"anchor":"di')
    assert sizes(desk) == [3]
    put(desk.data, note(4))
    asyncio.run(keeper.round())
    assert sizes(desk) == [3, 4]
    newest = newest_receipt(file.parent)
    assert newest is not None and newest.size == 4


def test_only_an_anchor_that_could_prove_nothing_stops_the_start(desk: Desk) -> None:
    """One that is away does not, and is looked at again before the first note."""

    class Away(FileAnchor):
        """Not there at first."""

        looked = 0

        async def prepare(self) -> None:
            """The first time it is away."""
            Away.looked += 1
            if Away.looked == 1:
                raise AnchorUnavailable("nobody answers")

    keeper = desk.keeper()
    keeper.anchor = Away(FileAnchorConfig(name="disk", folder=desk.disk), desk.data)
    asyncio.run(keeper.prepare())
    assert sizes(desk) == []
    asyncio.run(keeper.round())
    asyncio.run(keeper.round())
    assert (sizes(desk), Away.looked) == ([3], 2)
    desk.disk.rename(desk.root / "gone")
    with pytest.raises(AnchorUnusable, match="make it"):
        asyncio.run(desk.keeper().prepare())


def test_an_anchor_that_hangs_is_given_up_after_its_time(desk: Desk) -> None:
    """The next try is as far away as after any other failure."""

    class Slow(FileAnchor):
        """Never answers."""

        async def anchor(self, note: bytes) -> Receipt:
            """Wait for ever."""
            await asyncio.Event().wait()
            raise AssertionError

    keeper = desk.keeper()
    keeper.anchor = Slow(FileAnchorConfig(name="disk", folder=desk.disk), desk.data)
    keeper.timeout = 0.05
    assert asyncio.run(keeper.round()) == 5.0
    assert keeper.state.problem == "no answer within 0.05 s"


def test_a_stop_leaves_no_note_outside_without_a_receipt(desk: Desk) -> None:
    """A round that is under way ends first; a keeper that waits for the next stops at once."""
    shown = asyncio.Event()

    class Slow(FileAnchor):
        """Has the note before it says so."""

        async def anchor(self, note: bytes) -> Receipt:
            """Answer late."""
            receipt = await FileAnchor.anchor(self, note)
            shown.set()
            await asyncio.sleep(0.05)
            return receipt

    async def stopped_between() -> None:
        keeper = desk.keeper()
        keeper.anchor = Slow(FileAnchorConfig(name="disk", folder=desk.disk), desk.data)
        task = asyncio.create_task(keeper.keep())
        await shown.wait()
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()

    asyncio.run(stopped_between())
    assert len(list(desk.disk.rglob("*.note"))) == 1
    assert sizes(desk) == [3]


def test_whatever_an_anchor_raises_its_keeper_goes_on(desk: Desk) -> None:
    """A fault of ours in there is counted like a failure."""

    class Broken(FileAnchor):
        """Has a fault."""

        async def anchor(self, note: bytes) -> Receipt:
            """Fail in a way that nobody expects."""
            raise RuntimeError("a fault")

    keeper = desk.keeper()
    keeper.anchor = Broken(FileAnchorConfig(name="disk", folder=desk.disk), desk.data)
    assert asyncio.run(keeper.round()) == 5.0
    assert (keeper.state.problem, desk.failures) == ("a fault", 1)


def test_a_damaged_state_says_what_to_do(desk: Desk) -> None:
    """The collector does not guess what was anchored."""
    folder = desk.data / "anchors" / "disk"
    folder.mkdir()
    (folder / "state.json").write_text("{")
    with pytest.raises(AnchorUnusable, match=r"state\.json: cannot be read .*restore it"):
        desk.keeper()
