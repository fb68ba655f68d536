"""What comes back from the store is what was sent, over every transport.

`AUDITSPAN_ROWS` is how many rows at random come after those in which every two values meet.
"""

import os
from itertools import product
from typing import Any, Final

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.conformance.by_hand import Style, json_of, protobuf_of
from tests.conformance.expected import COLUMNS, expected
from tests.conformance.factors import FACTORS, random_rows, request_of
from tests.conformance.pairs import Row, all_pairs, pairs_of
from tests.conformance.sending import TRANSPORTS, senders
from tests.end_to_end.running import Collector

PAIRS: Final = all_pairs(FACTORS)
ROWS: Final = [*PAIRS, *random_rows(int(os.environ.get("AUDITSPAN_ROWS", "0")), 5)]
_WHERE: Final = "FROM audit_records WHERE startsWith(SpanName, 'case ')"
_Stored = dict[tuple[str, str], dict[str, Any]]


def _request(number: int, transport: str) -> ExportTraceServiceRequest:
    trace = (TRANSPORTS.index(transport) + 1).to_bytes(16)
    return request_of(ROWS[number], (number + 1).to_bytes(8), trace, f"case {transport} ")


def _body(request: ExportTraceServiceRequest, transport: str, row: Row) -> bytes:
    unknown = row["unknown"] == "yes"
    if not transport.startswith("json"):
        return protobuf_of(request, unknown=unknown)
    return json_of(
        request,
        Style(
            wide_as_numbers=row["json"] == "numbers",
            capitals=row["json"] == "numbers",
            defaults=row["json"] == "defaults",
            unknown=unknown,
        ),
    )


@pytest.fixture(scope="module")
def stored(collector: Collector) -> _Stored:
    """Every row over every transport, and what the query endpoint says of it."""
    with senders(collector.addresses) as to:
        for transport, (number, row) in product(TRANSPORTS, enumerate(ROWS)):
            body = _body(_request(number, transport), transport, row)
            assert to.send(body, transport) == 200, row
    collector.wait_for(f"SELECT count() {_WHERE}", len(ROWS) * len(TRANSPORTS), 120)
    found = collector.rows(f"SELECT {COLUMNS} {_WHERE}")
    assert len(found) == len(ROWS) * len(TRANSPORTS)
    return {(row["TraceId"], row["SpanId"]): row for row in found}


def test_every_pair_is_in_the_matrix() -> None:
    """Any two values of two factors meet in a row."""
    met = {pair for row in PAIRS for pair in pairs_of(FACTORS, row)}
    sizes = [len(values) for values in FACTORS.values()]
    assert len(met) == (sum(sizes) ** 2 - sum(size**2 for size in sizes)) // 2
    print(f"{len(FACTORS)} factors, {sum(sizes)} values, {len(met)} pairs in {len(PAIRS)} rows")


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_what_was_sent_comes_back(stored: _Stored, transport: str) -> None:
    """All rows of the matrix, over one transport, each field."""
    wrong = []
    for number, row in enumerate(ROWS):
        resource = _request(number, transport).resource_spans[0]
        wanted = expected(resource, resource.scope_spans[0], resource.scope_spans[0].spans[0])
        found = stored[wanted["TraceId"], wanted["SpanId"]]
        assert found.keys() == wanted.keys()
        wrong += [(row, k, found[k], v) for k, v in wanted.items() if found[k] != v]
    print(f"{transport}: {len(ROWS)} requests, {len(wrong)} differences")
    assert not wrong, "\n".join(_said(*one) for one in wrong[:5])


def _said(row: Row, column: str, found: Any, wanted: Any) -> str:
    """A difference; of maps only the entries that differ."""
    if isinstance(wanted, dict):
        differ = dict(found.items() ^ wanted.items())
        found = {key: found.get(key) for key in differ}
        wanted = {key: wanted.get(key) for key in differ}
    return f"{column}: found {str(found)[:300]}, expected {str(wanted)[:300]}, of {row}"


def test_what_stands_beside_is_stored_as_well(stored: _Stored, collector: Collector) -> None:
    """Each span of a request once, with its own scope and resource."""
    counts = {"nothing": 0, "all of them": 3}
    count = sum(counts.get(row["beside"], 1) for row in ROWS) * len(TRANSPORTS)
    where = (
        "FROM audit_records WHERE SpanName = 'beside' AND SpanAttributes['case.value'] = 'beside'"
    )
    assert collector.rows(f"SELECT count() AS n {where}") == [{"n": count}]
    others = collector.rows(
        f"SELECT DISTINCT SpanId, ScopeName, ResourceAttributes AS R {where} AND SpanId > '02' "
        "ORDER BY SpanId"
    )
    last = {"SpanId": "03" * 8, "ScopeName": "", "R": {"other": "1"}}
    assert {row["ScopeName"] for row in others[:-1]} == {"other"}
    assert others[-1] == last
