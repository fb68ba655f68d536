"""A batch that ends processes is taken apart; what does it is put aside, and nothing else."""

import contextlib
import json
import sys
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from auditspan.collector import letters
from auditspan.collector.data_dir import prepare
from auditspan.collector.engine import trial as trial_module
from auditspan.collector.engine.attempts import Attempts
from auditspan.collector.engine.bisecting import bisect
from auditspan.collector.engine.cutting import in_order
from auditspan.collector.engine.messages import Start
from auditspan.collector.engine.suspicion import MOST_DEATHS, Suspicion
from auditspan.collector.engine.trial import Outcome, tried
from auditspan.collector.engine.undoing import undo
from auditspan.storage.errors import StatementRefused, StoreFull
from auditspan.storage.sealing.seal_file import read_seal
from auditspan.storage.writer import finish_sealed
from auditspan.wire.envelope import parse
from auditspan.wire.varint import decode_varint
from tests.collector.engine.conftest import Workshop, applied, envelope, spans
from tests.collector.engine.logs import checked
from tests.collector.engine.test_retrying import GAPS, retry
from tests.collector.engine.test_segments import Crash, monkeypatched_crash

SPANS = "SELECT SpanId FROM audit_records WHERE RecordKind = 'action' ORDER BY 1"
POISON = "poison"
Trial = Callable[[Path], Outcome]


def innocent(segment: Path) -> Outcome:
    """A trial that nothing comes of."""
    return Outcome(False, "fine")


def deadly(segment: Path) -> Outcome:
    """A trial that the poison ends."""
    guilty = POISON.encode() in segment.read_bytes()
    return Outcome(guilty, "ended with code -9" if guilty else "fine")


class House:
    """A workshop whose processes end and begin again."""

    def __init__(self, workshop: Workshop, trial: Trial) -> None:
        self.workshop = workshop
        self.trial = trial
        self.suspicion = self.begun()

    def begun(self) -> Suspicion:
        """As a newly started process has it."""
        attempts = Attempts.open(self.workshop.data.folder("run"))
        segments = self.workshop.segments()
        segments.enter = attempts.enter
        self.suspicion = Suspicion(segments, attempts, self.trial)
        return self.suspicion

    def dies(self, segment: Path, step: str = "process") -> None:
        """The process ends in a step, as one that is killed."""
        self.suspicion.attempts.enter(segment.stem, step)
        self.suspicion.attempts.close()
        self.begun()

    def works(self) -> int:
        """Until nothing is left; how many batches there were. Who decodes the poison dies."""
        count = 0
        while left := in_order(self.workshop.data.folder("spool")):
            guilty = self.suspicion._is_guilty(left[0].stem)
            if self.trial(left[0]).guilty and not guilty:
                self.dies(left[0])
            else:
                with contextlib.suppress(StatementRefused):
                    self.suspicion.process(left[0])
            count += 1
        return count


@pytest.fixture
def house(workshop: Workshop) -> House:
    """Where trials find the poison."""
    return House(workshop, deadly)


def test_the_culprit_alone_is_put_aside(house: House) -> None:
    """One span of one request among others; all else is stored, and the log is whole."""
    workshop = house.workshop
    many = spans(*range(10, 20))
    segment = workshop.segment(applied(), spans(1, 2), _poisoned(3), many, spans(4))
    house.dies(segment)
    assert not house.suspicion._is_guilty(segment.stem)
    house.dies(segment)
    assert house.works() > 3
    expected = sorted([1, 2, 4, *range(10, 20), 30, 32, 33, 34, 35])
    assert workshop.column(SPANS) == [f"{n:016x}" for n in expected]
    [letter] = letters.all_of(house.suspicion.segments.dead)
    assert letter.batch_id.startswith(f"{segment.stem}.p")
    assert (letter.stage, letter.retryable, letter.principal_id) == (
        "process",
        True,
        "agent:helper",
    )
    [gap] = [json.loads(str(text)) for text in workshop.column(GAPS)]
    assert gap["reason"] == "ended each process that worked on it"
    assert workshop.count("agents") == 1
    checked(workshop.store)
    # With its cause gone it is stored.
    house.works()
    house.suspicion.process(workshop.segment(retry(letter.id), number=9))
    assert workshop.column(SPANS)[-5:] == [f"{n:016x}" for n in (31, 32, 33, 34, 35)]


def test_kills_from_outside_cost_no_record(workshop: Workshop) -> None:
    """Twice at one batch, and at each of its parts: smaller batches, and no dead letter."""
    house = House(workshop, innocent)
    segment = workshop.segment(spans(1, 2, 3), spans(4))
    for _ in range(MOST_DEATHS - 1):
        left = in_order(workshop.data.folder("spool"))
        for part in left[:1]:
            house.dies(part)
            house.dies(part)
            house.suspicion.process(part)
    house.works()
    assert workshop.column(SPANS) == [f"{n:016x}" for n in (1, 2, 3, 4)]
    assert list(letters.all_of(house.suspicion.segments.dead)) == []
    assert not segment.exists()
    checked(workshop.store)


def test_what_cannot_be_proved_is_put_aside_at_last(workshop: Workshop) -> None:
    """Six engines ended at one span, and no trial shows why: what is behind it goes on."""
    house = House(workshop, innocent)
    segment = workshop.segment(spans(1))
    for _ in range(MOST_DEATHS):
        house.dies(segment, "insert")
    house.suspicion.process(segment)
    [letter] = letters.all_of(house.suspicion.segments.dead)
    assert letter.reason == "6 engines ended in the step insert"


def test_a_batch_that_was_sealed_is_taken_back(house: House) -> None:
    """It ended processes while it was inserted; its places in the log are others' then."""
    workshop = house.workshop
    segment = workshop.segment(applied(), spans(1, 2), _poisoned(3))
    with monkeypatched_crash("read_seal"), pytest.raises(Crash):
        house.suspicion.process(segment)
    path = house.suspicion.segments.batch_file(segment.stem)
    finish_sealed(workshop.store, path, read_seal(path.with_suffix(".seal")))
    assert workshop.count() == 9
    house.dies(segment, "insert")
    house.dies(segment, "insert")
    house.works()
    assert workshop.count("agents") == 1
    assert workshop.column(SPANS) == [f"{n:016x}" for n in (1, 2, 30, 32, 33, 34, 35)]
    assert workshop.column(
        "SELECT count() FROM audit_records WHERE NOT match(BatchId, '[.]p')"
    ) == [0]
    checked(workshop.store)


def test_a_broken_off_cut_doubles_nothing(house: House) -> None:
    """Parts are on disk, and the next process has no reason to cut: the whole is stored, once."""
    segment, workshop = house.workshop.segment(spans(1, 2), spans(3), spans(4)), house.workshop
    whole = segment.read_bytes()
    assert bisect(segment) == 3
    segment.write_bytes(whole)
    assert len(in_order(segment.parent)) == 4
    assert house.works() == 1
    assert workshop.column(SPANS) == [f"{n:016x}" for n in (1, 2, 3, 4)]


def test_what_is_signed_is_not_taken_back(house: House) -> None:
    """Killed twice before its segment was gone: it is stored, and stays as it is."""
    segment, workshop = house.workshop.segment(spans(1, 2)), house.workshop
    with monkeypatched_crash("after_store"), pytest.raises(Crash):
        house.suspicion.process(segment)
    house.dies(segment, "insert")
    house.dies(segment, "insert")
    assert not undo(house.suspicion.segments, segment.stem)
    assert house.works() == 1
    assert workshop.column("SELECT DISTINCT BatchId FROM audit_records") == [segment.stem]
    checked(workshop.store)


def test_what_the_store_refuses_is_put_aside(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Again and again, for what is in it; not what a store refuses that has no table."""
    workshop, insert = house.workshop, type(house.workshop.store).insert
    code = 60

    def refusing(store: object, table: str, rows: pa.Table, query_id: str = "") -> None:
        if "ToolName" in rows.column_names and POISON in rows["ToolName"].to_pylist():
            raise StatementRefused("cannot take this", code)
        insert(store, table, rows, query_id)  # type: ignore[arg-type]

    monkeypatch.setattr(type(workshop.store), "insert", refusing)
    segment = workshop.segment(spans(1, 2), _poisoned(3))
    for _ in range(5):
        with pytest.raises(StatementRefused):
            house.suspicion.process(segment)
    assert segment.exists()
    code = 53
    for _ in range(3):
        with pytest.raises(StatementRefused):
            house.suspicion.process(segment)
    house.works()
    assert workshop.column(SPANS) == [f"{n:016x}" for n in (1, 2, 30, 32, 33, 34, 35)]
    assert len(list(letters.all_of(house.suspicion.segments.dead))) == 1
    checked(workshop.store)


def test_a_batch_beyond_the_memory_becomes_smaller_ones(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would be refused for ever; a single span is waited for, and never put aside."""
    house, insert, most = House(workshop, innocent), type(workshop.store).insert, 2

    def full(store: object, table: str, rows: pa.Table, query_id: str = "") -> None:
        if "ToolName" in rows.column_names and rows.num_rows > most:
            raise StoreFull("memory limit exceeded", 241)
        insert(store, table, rows, query_id)  # type: ignore[arg-type]

    monkeypatch.setattr(type(workshop.store), "insert", full)
    workshop.segment(spans(*range(1, 10)))
    for _ in range(40):
        for part in in_order(workshop.data.folder("spool"))[:1]:
            with contextlib.suppress(StoreFull):
                house.suspicion.process(part)
    assert len(workshop.column(SPANS)) == 9
    most = 0
    last = workshop.segment(spans(10), number=2)
    for _ in range(9):
        with pytest.raises(StoreFull):
            house.suspicion.process(last)
    assert list(letters.all_of(house.suspicion.segments.dead)) == []


def test_attempts_are_told_to_the_next_process(tmp_path: Path) -> None:
    """Deaths in a step, not between two tries; another batch begins anew; damage tells nothing."""
    first = Attempts.open(tmp_path)
    first.enter("a", "decode")
    second = Attempts.open(tmp_path)
    assert second.deaths == {"decode": 1}
    second.enter("a", "insert")
    second.rest()
    third = Attempts.open(tmp_path)
    assert (third.deaths, third.most_deaths("a"), third.most_deaths("b")) == ({"decode": 1}, 1, 0)
    third.accuse("a")
    third.enter("a.p0001", "decode")
    fourth = Attempts.open(tmp_path)
    assert fourth.is_suspect("a.p0001.p0002") and not fourth.is_suspect("ab")
    assert fourth.deaths == {"decode": 1}
    fourth.enter("b", "decode")
    assert fourth.suspect == ""
    fourth.leave()
    assert Attempts.open(tmp_path).deaths == {}
    (tmp_path / "attempts").write_bytes(b"{")
    assert Attempts.open(tmp_path).deaths == {}
    Attempts.open(tmp_path / "nowhere").enter("a", "decode")


@pytest.mark.parametrize(
    ("how", "guilty", "says"),
    [
        ("os.kill(os.getpid(), 9)", True, "code -9"),
        ("raise StatementRefused('no')", True, "refused: StatementRefused: no"),
        ("pass", False, "fine"),
    ],
)
def test_a_trial_tells_whose_fault_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str, guilty: bool, says: str
) -> None:
    """In a process of its own, which may end; nothing of it stays."""
    data = prepare(tmp_path / "data")
    segment = data.folder("spool") / "abcd1234-1795000000000-00000001.p0000.seg"
    segment.write_bytes(_poisoned(3))
    monkeypatch.setattr(trial_module, "command", lambda: poisonous(how))
    found = tried(_start(data.root), segment)
    assert found.guilty is guilty
    assert says in found.says
    assert list(data.folder("tmp").iterdir()) == []
    assert segment.exists()


def test_a_trial_that_cannot_begin_accuses_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No process, or one that ends before it has a store."""
    data = prepare(tmp_path / "data")
    segment = data.folder("spool") / "a.seg"
    segment.write_bytes(spans(1))
    monkeypatch.setattr(trial_module, "command", lambda: [sys.executable, "-c", "1/0"])
    assert tried(_start(data.root), segment) == Outcome(
        False, "it did not begin, and ended with code 1"
    )


def poisonous(how: str) -> list[str]:
    """A trial in which something happens to whoever decodes the poison."""
    text = (
        "import os\n"
        "from auditspan.collector.engine import trial, working\n"
        "from auditspan.storage.errors import StatementRefused\n"
        "real = working.decode_salvaging\n"
        "def decode(engine, segment):\n"
        f"    if {POISON.encode()!r} in segment.read_bytes():\n"
        f"        {how}\n"
        "    return real(engine, segment)\n"
        "working.decode_salvaging = decode\n"
        "trial.main()\n"
    )
    return [sys.executable, "-P", "-c", text]


def _poisoned(number: int) -> bytes:
    """A frame of six calls, of which the second holds the poison."""
    request = ExportTraceServiceRequest()
    for at in range(number * 10, number * 10 + 6):
        tool = POISON if at % 10 == 1 else "pay"
        data = spans(at, tool=tool)
        one = parse(data[decode_varint(data[:10])[1] :])
        request.MergeFromString(one.request)
    return envelope(request.SerializeToString())


def _start(root: Path) -> Start:
    config = {"storage": {"path": str(root / "store")}}
    return Start(str(root), config, b"k" * 32, {"keys": []}, "")
