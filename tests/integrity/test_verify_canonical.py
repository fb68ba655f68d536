"""The verifier computes from JSON what the sealing collector computed from values."""

import csv
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditspan.integrity import verify
from auditspan.integrity.canonical import record_digest
from auditspan.integrity.json_values import json_values
from auditspan.integrity.sealed_columns import GROUPS, SCHEMA

SALT = bytes(range(16))
# Bytes, too: a store can hold what is no UTF-8.
TEXTS = st.one_of(st.text(st.characters(codec="utf-8"), max_size=6), st.binary(max_size=6))
KEYS = st.text(st.characters(codec="utf-8"), max_size=6)
MAPS = st.dictionaries(KEYS, TEXTS, max_size=4)
INTS = st.one_of(st.integers(-(2**63), 2**64 - 1), st.sampled_from([0, 2**63 - 1, 2**64 - 1]))
BY_KIND: dict[str, st.SearchStrategy[object]] = {
    "string": TEXTS,
    "int": INTS,
    "strings": st.lists(TEXTS, max_size=3),
    "map": MAPS,
    "[int,string,map]": st.lists(st.tuples(INTS, TEXTS, MAPS), max_size=2),
    "[string,string,string,map]": st.lists(st.tuples(TEXTS, TEXTS, TEXTS, MAPS), max_size=2),
}
RECORDS = st.fixed_dictionaries({}, optional={n: BY_KIND[k] for n, k in SCHEMA.kinds.items()})


def by_verifier(record: dict[str, object]) -> bytes:
    """The content digest by way of a line of JSON."""
    values = verify.strict_json(json.dumps(json_values(record, SCHEMA)).encode())
    texts, tag = verify.group_texts(values), b"auditspan/salt/v1\n" + SALT
    fields = verify.fields_digest(texts, lambda g: verify.sha256(tag, g.encode())[:16], {})
    return verify.record_content(texts, verify.sha256(tag, b"core")[:16], fields)


def test_the_same_columns() -> None:
    """The table inside of the file is the one of the package."""
    assert verify.GROUPS == GROUPS


@given(RECORDS)
def test_any_record(record: dict[str, object]) -> None:
    """Unicode, NUL, bytes, empty values, the largest integers, maps in any order."""
    assert by_verifier(record) == record_digest(record, SALT, SCHEMA)


@pytest.mark.parametrize(
    "record",
    [
        {"ToolResult": "x" * 1_000_000},
        {"ToolResult": "é\0" * 300_000},
        {"SpanAttributes": {f"key {n}": str(n) for n in range(1000)}},
        {"SpanAttributes": {"\U0001f600": "a", "\uffee": "b", "": "", "\0": "\0"}},
        {"Timestamp": -(2**63), "InputTokens": 2**64 - 1},
        {"UserId": b"\xc3\xa9", "SessionId": b"\xff\xfe", "Summary": b"\xed\xa0\x80"},
        {"Events": [(0, "", {})] * 1000},
    ],
    ids=["megabyte", "two bytes", "keys", "order", "integers", "bytes", "events"],
)
def test_extreme_records(record: dict[str, object]) -> None:
    """Sizes and characters at the edges."""
    assert by_verifier(record) == record_digest(record, SALT, SCHEMA)


@given(st.lists(st.text(st.sampled_from(" ,;\"'\r\n\t\0=-a\u00e9\u2028\udc80")), min_size=2))
def test_a_line_of_the_table_is_that_of_the_module_csv(cells: list[str]) -> None:
    """What is quoted, and how, does not depend on how fast it is written: packages of before hold
    lines that the module csv has written."""
    line = io.StringIO()
    csv.writer(line, lineterminator="\r\n").writerow(cells)
    assert verify.csv_line(cells) == line.getvalue().encode("utf-8", "backslashreplace")
