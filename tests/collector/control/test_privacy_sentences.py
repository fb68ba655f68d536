"""Erasures, holds and retention in plain words."""

from typing import Any

import pytest

from auditspan.collector.control.records import ControlRecord, Party, Why
from auditspan.collector.control.sentences import sentence

ID = "00112233445566aa"


@pytest.mark.parametrize(
    ("kind", "body", "says"),
    [
        ("record.erased", {"id": ID, "erased": [{}, {}]},
         f"content of 2 records erased under request {ID}"),
        ("record.erased", {"id": ID, "erased": 7},
         f"content of 0 records erased under request {ID}"),
        ("record.expired_early", {"id": ID, "records": 5},
         f"5 records expired before their day under request {ID}"),
        ("record.expired_early", {}, "0 records expired before their day under request "),
        ("hold.defined", {"id": ID, "filter": "user=alice"}, "legal hold 001122334455 defined"),
        ("hold.placed", {"id": ID}, "legal hold 001122334455 placed"),
        ("hold.released", {"id": ID}, "legal hold 001122334455 released"),
        ("retention.changed",
         {"before": {"default": 400, "chat": 9, "other": 30},
          "after": {"default": 300, "other": 30}},
         "days of retention changed: chat from 9 to none, default from 400 to 300"),
        ("retention.changed", {"before": None, "after": "x"}, "days of retention changed: "),
    ],
)  # fmt: skip
def test_what_was_done(kind: str, body: dict[str, Any], says: str) -> None:
    """And by whom; nobody whom it is about is named."""
    dora = Party(principal="person:dora", method="api_key")
    record = ControlRecord(kind=kind, at_ns=1, why=Why(), body=body, requester=dora)
    assert sentence(record) == f'{says}, asked by "person:dora".'
