"""What a hold keeps does not expire, and expires when it is released."""

import time
from pathlib import Path

import pytest

from auditspan.collector.control.holds_files import Hold, HoldFiles, HoldFilter
from auditspan.collector.engine.holding import Holding
from tests.collector.engine.conftest import NOW, Workshop, spans

PLACED = "2026-11-25T00:00:00Z"


def hold(filter: str, number: int = 1, released_at: str = "") -> Hold:
    """A hold."""
    return Hold(
        id=f"{number:032x}",
        filter=HoldFilter.parse(filter),
        salt="5a",
        placed_at=PLACED,
        placed_by="person:dora",
        released_at=released_at,
    )


def holding(workshop: Workshop) -> tuple[Holding, HoldFiles]:
    """As newly started, and where its holds are."""
    registry = workshop.data.folder("registry")
    return Holding(registry, workshop.store), HoldFiles(registry)


def filled(workshop: Workshop) -> None:
    """Two calls of one tool, one of another."""
    segments = workshop.segments()
    segments.process(workshop.segment(spans(1, 2), spans(3, tool="mail"), number=1))


def held(workshop: Workshop) -> list[object]:
    """Tools of the records that are held."""
    return workshop.column("SELECT ToolName FROM audit_records WHERE Held ORDER BY 1")


def expire(workshop: Workshop, until: str) -> list[object]:
    """As if the day of expiry had come long ago; tools of the records that are left."""
    workshop.store.command(
        "ALTER TABLE audit_records UPDATE ExpiresOn = toDate32('2020-01-01') WHERE 1 "
        "SETTINGS mutations_sync = 2"
    )
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        workshop.store.command("OPTIMIZE TABLE audit_records FINAL")
        tools = workshop.column("SELECT ToolName FROM audit_records ORDER BY 1")
        if ",".join(map(str, tools)) == until:
            break
        time.sleep(0.1)
    return tools


def test_a_hold_marks_what_fits_and_keeps_it(workshop: Workshop) -> None:
    """The others of the same part expire, day of expiry or not for the held ones."""
    filled(workshop)
    engine, files = holding(workshop)
    files.store(hold("tool=mail"))
    engine.tick()
    assert held(workshop) == ["mail"]
    assert expire(workshop, "mail") == ["mail"]
    files.store(hold("tool=mail", released_at=PLACED))
    assert engine.apply() == 1
    assert expire(workshop, "") == []


def test_holds_add_up_and_end_one_by_one(workshop: Workshop) -> None:
    """A record is free when the last of its holds is released; later records are held too."""
    filled(workshop)
    engine, files = holding(workshop)
    files.store(hold("tool=pay"))
    files.store(hold("tool=pay,until=2100-01-01T00:00:00Z", 2))
    engine.tick()
    assert held(workshop) == ["pay", "pay"]
    files.store(hold("tool=pay", released_at=PLACED))
    engine.tick()
    assert held(workshop) == ["pay", "pay"]
    workshop.segments().process(workshop.segment(spans(7), number=2))
    assert engine.apply() == 1
    assert held(workshop) == ["pay"] * 3
    files.store(hold("tool=pay,until=2100-01-01T00:00:00Z", 2, released_at=PLACED))
    engine.tick()
    assert held(workshop) == []
    assert engine.apply() == 0


def test_no_name_is_in_the_text_of_a_mutation(workshop: Workshop) -> None:
    """A filter names a person; the files of the store's mutations do not."""
    filled(workshop)
    engine, files = holding(workshop)
    files.store(hold("user=somebody@example.test,since=2020-01-01T00:00:00Z"))
    files.store(hold("tool=mail", 2))
    engine.tick()
    texts = [path.read_bytes() for path in mutations(workshop.data.folder("store"))]
    assert texts
    assert not any(b"somebody" in text for text in texts)


def mutations(store: Path) -> list[Path]:
    """Texts of mutations."""
    return [path for path in store.rglob("mutation_*.txt") if path.is_file()]


@pytest.mark.parametrize(
    "filter",
    ["tool=pay", "tool=pay,until=2500-01-01T00:00:00Z", "tool=pay,since=1500-01-01T00:00:00Z"],
)
def test_a_filter_reaches_as_far_as_clocks_do(workshop: Workshop, filter: str) -> None:
    """Times beyond what a column can hold bound nothing, and the last one that it holds fits."""
    late = spans(2, start=2**64 - 1)
    workshop.segments().process(workshop.segment(spans(1), late, number=1))
    engine, files = holding(workshop)
    files.store(hold(filter))
    engine.tick()
    assert held(workshop) == ["pay", "pay"]


def test_times_of_a_filter_bound_it(workshop: Workshop) -> None:
    """Since is within, until is not."""
    filled(workshop)
    engine, files = holding(workshop)
    second = (NOW - 10**9) // 10**9
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(second))
    for filter, count in ((f"tool=mail,since={at}", 1), (f"tool=mail,until={at}", 0)):
        files.store(hold(filter))
        engine.apply()
        assert len(held(workshop)) == count
