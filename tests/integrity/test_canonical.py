"""Digests of records: one value changed is another digest, and an erased group changes none."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditspan.integrity.canonical import (
    ENTRY_BYTES,
    Values,
    content,
    core_digest,
    derived_salt,
    derived_salts,
    entry,
    erased_digest,
    fields_digest,
    group_commitment,
    record_digest,
    record_entries,
)
from auditspan.integrity.errors import ValueInvalid
from auditspan.integrity.seal_schema import SealSchema
from auditspan.integrity.sealed_columns import GROUPS, SCHEMA
from tests.integrity import naive

VECTORS = Path(__file__).parents[1] / "vectors" / "integrity"
SALT = bytes(range(16))
TEXTS = st.text(st.characters(codec="utf-8"), max_size=5)
MAPS = st.dictionaries(TEXTS, TEXTS, max_size=3)
BY_KIND: dict[str, st.SearchStrategy[object]] = {
    "string": TEXTS,
    "int": st.integers(0, 2**32 - 1),
    "strings": st.lists(TEXTS, max_size=3),
    "map": MAPS,
    "[int,string,map]": st.lists(st.tuples(st.integers(0, 2**63), TEXTS, MAPS), max_size=2),
    "[string,string,string,map]": st.lists(st.tuples(TEXTS, TEXTS, TEXTS, MAPS), max_size=2),
}
RECORDS = st.fixed_dictionaries({}, optional={n: BY_KIND[k] for n, k in SCHEMA.kinds.items()})
OTHER = {
    "string": "x",
    "int": 7,
    "strings": ["x"],
    "map": {"x": ""},
    "[int,string,map]": [(0, "", {})],
    "[string,string,string,map]": [("", "", "", {})],
}
ANOTHER: dict[str, object] = {
    "strings": ["y"],
    "map": {"x": "y"},
    "[int,string,map]": [(1, "", {})],
    "[string,string,string,map]": [("", "y", "", {})],
}
FULL: dict[str, object] = {
    name: {**OTHER, "string": f"{name} é", "int": 20_000}[kind]
    for name, kind in SCHEMA.kinds.items()
}


@given(RECORDS, st.binary(min_size=16, max_size=16))
def test_two_implementations_agree(record: dict[str, object], salt: bytes) -> None:
    """One record, many records, and the document's text typed in anew."""
    expected = naive.content(GROUPS, record, salt)
    assert record_digest(record, salt, SCHEMA) == expected
    columns = {name: [value, value] for name, value in record.items()}
    day = record.get("ExpiresOn", 0)
    assert isinstance(day, int)
    assert record_entries(columns, salt * 2, SCHEMA) == naive.entry(0, day, expected) * 2
    assert erased_digest(record, derived_salts(salt, SCHEMA), {}, SCHEMA) == expected


@pytest.mark.parametrize("name", SCHEMA.kinds)
def test_every_column_is_covered(name: str) -> None:
    """Another value, no value, or a value where there was none: another digest each."""
    blank = record_digest({}, SALT, SCHEMA)
    full = record_digest(FULL, SALT, SCHEMA)
    changed = {**FULL, name: OTHER[SCHEMA.kinds[name]]}
    if changed == FULL:
        changed = {**FULL, name: ANOTHER[SCHEMA.kinds[name]]}
    missing = {column: value for column, value in FULL.items() if column != name}
    alone = record_digest({name: FULL[name]}, SALT, SCHEMA)
    digests = {blank, full, alone, record_digest(changed, SALT, SCHEMA)}
    digests.add(record_digest(missing, SALT, SCHEMA))
    assert len(digests) == 5


def test_values_cannot_move_between_columns() -> None:
    """The same text in two columns, of one group or of two, gives two digests."""
    texts = [name for name, kind in SCHEMA.kinds.items() if kind == "string"]
    digests = {record_digest({name: "same"}, SALT, SCHEMA) for name in texts}
    assert len(digests) == len(texts)


def test_a_column_that_is_added_changes_no_old_record() -> None:
    """What has its default is left out, in the core and in a group."""
    more = {group: {**kinds, "Zzz": "string"} for group, kinds in GROUPS.items()}
    for group in GROUPS:
        grown = SealSchema.of(1, {**GROUPS, group: more[group]})
        assert record_digest(FULL, SALT, grown) == record_digest(FULL, SALT, SCHEMA)
        filled = record_digest({**FULL, "Zzz": "x"}, SALT, grown)
        assert filled != record_digest(FULL, SALT, SCHEMA)
    new_group = SealSchema.of(1, {**GROUPS, "zzz": {"Zzz": "string"}})
    assert record_digest(FULL, SALT, new_group) == record_digest(FULL, SALT, SCHEMA)


@given(RECORDS, st.lists(st.sampled_from([g.name for g in SCHEMA.groups]), unique=True, min_size=1))
def test_erased_groups_keep_the_digest(record: dict[str, object], order: list[str]) -> None:
    """One group after the other: value and salt go, the commitment stays, the digest too."""
    expected = record_digest(record, SALT, SCHEMA)
    salts, redacted, left = derived_salts(SALT, SCHEMA), dict[str, bytes](), dict(record)
    for name in order:
        commitment = group_commitment(left, salts.pop(name), name, SCHEMA)
        if commitment:
            redacted[name] = commitment
        group = next(found for found in SCHEMA.groups if found.name == name)
        for column in group.columns:
            left.pop(column.name, None)
        assert erased_digest(left, salts, redacted, SCHEMA) == expected


def test_a_group_without_salt_cannot_be_filled() -> None:
    """Writing into an erased record where nothing was: there is no salt to seal it with."""
    salts = derived_salts(SALT, SCHEMA)
    del salts["text"]
    with pytest.raises(ValueInvalid, match="salt of text"):
        erased_digest({"Summary": "new"}, salts, {}, SCHEMA)
    with pytest.raises(ValueInvalid, match="salt of core"):
        erased_digest({}, {}, {}, SCHEMA)


def test_a_commitment_goes_before_a_value() -> None:
    """Putting text back into an erased group does not change what was sealed."""
    salts = derived_salts(SALT, SCHEMA)
    commitment = group_commitment(FULL, salts["user"], "user", SCHEMA)
    found = erased_digest({**FULL, "UserId": "mallory"}, salts, {"user": commitment}, SCHEMA)
    assert found == record_digest(FULL, SALT, SCHEMA)
    with pytest.raises(ValueInvalid, match="commitment of user"):
        erased_digest(FULL, salts, {"user": b"short"}, SCHEMA)


def test_the_core_alone() -> None:
    """A record whose groups are hidden is proved by their digest."""
    core = core_digest(FULL, derived_salt(SALT, "core"), SCHEMA)
    assert content(core, fields_digest(FULL, SALT, SCHEMA)) == record_digest(FULL, SALT, SCHEMA)


def test_salts_make_equal_records_differ() -> None:
    """Nobody can tell from two entries that their records say the same."""
    assert record_digest(FULL, SALT, SCHEMA) != record_digest(FULL, bytes(16), SCHEMA)
    assert len(set(derived_salts(SALT, SCHEMA).values())) == len(SCHEMA.groups) + 1


def test_entries() -> None:
    """Version, kind, day in big-endian order, content."""
    made = entry(4, 0x01020304, b"c" * 32)
    assert made == b"\x01\x04\x01\x02\x03\x04" + b"c" * 32
    assert len(made) == ENTRY_BYTES
    for day, digest in ((-1, b"c" * 32), (2**32, b"c" * 32), (1, b"c")):
        with pytest.raises(ValueInvalid):
            entry(0, day, digest)


@pytest.mark.parametrize(
    ("columns", "salts"),
    [
        ({"UserId": ["a"]}, SALT * 2),
        ({"ExpiresOn": ["2026-01-01"]}, SALT),
        ({"ExpiresOn": [-1]}, SALT),
        ({"UserId": [5]}, SALT),
    ],
)
def test_columns_that_do_not_fit_are_refused(
    columns: dict[str, list[object]], salts: bytes
) -> None:
    """As many values as salts, and each of its kind."""
    with pytest.raises(ValueInvalid):
        record_entries(columns, salts, SCHEMA)


def test_a_salt_has_sixteen_bytes() -> None:
    """A record without salt could be guessed from its entry."""
    with pytest.raises(ValueInvalid, match="expected 16"):
        record_digest(FULL, b"", SCHEMA)


def test_frozen_vectors() -> None:
    """Digests of version 1, made once: if this fails, sealed records no longer verify."""
    cases = json.loads((VECTORS / "records-v1.json").read_text())
    assert len(cases) >= 20
    for case in cases:
        values: Values = case["values"]
        salt = bytes.fromhex(case["salt"])
        assert record_digest(values, salt, SCHEMA).hex() == case["content"], case["name"]
        if "redacted" in case:
            salts = {name: bytes.fromhex(text) for name, text in case["salts"].items()}
            redacted = {name: bytes.fromhex(text) for name, text in case["redacted"].items()}
            found = erased_digest(case["left"], salts, redacted, SCHEMA).hex()
            assert found == case["content"], case["name"]
        made = entry(0, case["values"].get("ExpiresOn", 0), bytes.fromhex(case["content"]))
        assert made.hex() == case["entry"]


def test_groups_are_frozen() -> None:
    """Names and places of columns are in the bytes: more columns may come, none may move."""
    frozen = json.loads((VECTORS / "groups-v1.json").read_text())
    for group, kinds in frozen.items():
        assert {name: GROUPS[group].get(name) for name in kinds} == kinds, group
    assert len(SCHEMA.groups) <= 17
