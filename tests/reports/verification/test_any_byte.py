"""Any change of any sealed column of a stored record is found, and the record is named."""

import random
from typing import Final

import pytest

from auditspan.reports.verification.report import Verdict
from auditspan.semconv.columns import GROUPS, PHYSICAL
from tests.reports.verification.sealed import BATCH, ERASED_INDEX, Sealed

COLUMNS: Final = {
    column.name: column.type
    for column in PHYSICAL
    if column.name in {name for group in GROUPS for name in group.columns}
}
SALT: Final = "RecordSalt"
_WHERE: Final = ("LogId", "LogIndex")
"""A record that says another place of itself is not where it was sealed."""


@pytest.mark.parametrize("seed", range(3))
def test_a_changed_byte_names_its_record(copy: Sealed, seed: int) -> None:
    """One change in each column, each of another record, at a place of chance."""
    random_ = random.Random(seed)
    names = [*(name for name in COLUMNS if name not in _WHERE), SALT]
    candidates = [at for at in range(3, BATCH * 4) if at not in (BATCH + 1, ERASED_INDEX)]
    places = dict(zip(names, random_.sample(candidates, len(names)), strict=True))
    changes = {
        name: f"if(LogIndex = {at}, {_changed(name, random_)}, `{name}`)"
        for name, at in places.items()
    }
    ids = {at: copy.record(at) for at in places.values() if at != places["RecordId"]}
    copy.replace(changes)
    found = copy.verify()
    altered = {p.index: p.record_id for p in found.problems if p.kind == "record.altered"}
    assert found.verdict is Verdict.INVALID
    assert set(altered) == set(places.values())
    assert {at: altered[at] for at in ids} == ids
    assert {p.kind for p in found.problems} <= {"record.altered", "time.order", "time.backdated"}


@pytest.mark.parametrize(
    ("change", "kinds"),
    [
        ({"LogIndex": "LogIndex + 1"}, {"record.altered", "record.duplicate", "record.missing"}),
        ({"LogIndex": "LogIndex + 100000"}, {"record.unsealed", "record.missing"}),
        ({"LogId": "concat(LogId, 'x')"}, {"record.unsealed", "record.missing"}),
        ({"LogId": "''"}, {"record.unsealed", "record.missing"}),
    ],
)
def test_a_record_in_another_place_is_named(
    copy: Sealed, change: dict[str, str], kinds: set[str]
) -> None:
    """Both by the place where it should be, and by its id where it is."""
    record = copy.record(30)
    copy.replace(change, "LogIndex = 30")
    found = copy.verify()
    assert {problem.kind for problem in found.problems} == kinds
    assert record in {problem.record_id for problem in found.problems}
    assert 30 in {p.index for p in found.problems if p.kind == "record.missing"}


@pytest.mark.parametrize("column", ["Version", "Kind", "ExpiresOn", "Content"])
def test_a_changed_seal_is_found_by_the_tree(copy: Sealed, column: str) -> None:
    """Every column of an entry is in its leaf; its record no longer fits either."""
    changed = {
        "Version": "Version + 1",
        "Kind": "7",
        "ExpiresOn": "ExpiresOn + 1",
        "Content": "reverse(Content)",
    }[column]
    where = f"LogId = '{copy.log}' AND LogIndex = 30"
    copy.sql(f"ALTER TABLE audit_seals UPDATE {column} = {changed} WHERE {where}")
    found = copy.verify()
    kinds = {problem.kind for problem in found.problems}
    assert found.verdict is Verdict.INVALID
    assert "root.mismatch" in kinds
    assert kinds & {"record.altered", "record.unsealed"}
    assert copy.record(30) in {problem.record_id for problem in found.problems}


def _changed(name: str, random_: random.Random) -> str:
    """SQL of another value, as little different as its type allows."""
    type, column = COLUMNS.get(name, "FixedString(16)"), f"`{name}`"
    if type.startswith("Map"):
        return f"mapUpdate({column}, map('{random_.choice('xyz')}', 'x'))"
    if type.startswith("Array(Tuple"):
        return f"arrayPopBack({column})"
    if type.startswith("Array"):
        return f"arrayPushBack({column}, 'x')"
    if type.startswith("DateTime64"):
        return f"fromUnixTimestamp64Nano(toUnixTimestamp64Nano({column}) + 1, 'UTC')"
    if type == "Date32":
        return f"{column} + 1"
    if "Int" in type:
        bit = 1 << random_.randrange(int(type.strip("UInt")))
        return f"to{type}(bitXor({column}, to{type}({bit})))"
    return _flipped(column, random_.random(), random_.randrange(8), fixed=name == SALT)


def _flipped(column: str, where: float, bit: int, *, fixed: bool) -> str:
    """One bit of a text, at a share of its length; what is empty gets a byte."""
    at = f"(1 + toUInt64(floor({where} * length({column}))))"
    flipped = f"char(bitXor(ascii(substring({column}, {at}, 1)), {1 << bit}))"
    head, tail = f"substring({column}, 1, {at} - 1)", f"substring({column}, {at} + 1)"
    made = f"concat({head}, {flipped}, {tail})"
    return f"toFixedString({made}, 16)" if fixed else f"if({column} = '', 'x', {made})"
