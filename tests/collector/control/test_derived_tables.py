"""All derivers together: every one is asked, and no table is written by two."""

import pytest

from auditspan.collector.control import derived_tables
from auditspan.collector.control.derive import Frame
from auditspan.collector.control.records import REGISTRY_APPLIED, ControlRecord, Why
from auditspan.identity.principal import anonymous_principal
from tests.collector.control.bundles import bundle

AT = 1_767_225_600 * 10**9


def test_every_deriver_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rows of each come out under their table."""
    record = ControlRecord(
        kind=REGISTRY_APPLIED,
        at_ns=AT,
        why=Why(requested_by="ann"),
        body={"files": dict(bundle().files)},
    )
    frame = Frame(AT, "sha256:d", anonymous_principal("").to_json(), record)
    found = dict(derived_tables.tables([frame], "b-1"))
    assert found["agents"]["BatchId"].to_pylist() == ["b-1"]
    monkeypatch.setattr(derived_tables, "DERIVERS", ())
    assert dict(derived_tables.tables([frame], "b-1")) == {}


def test_no_frames_give_no_rows() -> None:
    """A batch of records alone writes no other table."""
    assert list(derived_tables.tables([], "b-1")) == []
