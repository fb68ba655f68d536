"""Keys of logs: what is shown, what may be asked, and the record that comes of it."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from auditspan.collector.control.errors import (
    ControlConflict,
    ControlError,
    ControlForbidden,
    ControlInvalid,
    ControlUnavailable,
    NotFound,
)
from auditspan.collector.control.log_keys import LogKeys, key_id
from auditspan.collector.control.records import Why
from auditspan.collector.control.sentences import sentence
from auditspan.collector.data_dir import SIGNER, DataDir, prepare
from auditspan.collector.signer.notary import Notary
from auditspan.collector.signer.protocol import Begin, Begun, Open, Revoke, Sign
from auditspan.collector.signing import publish
from auditspan.integrity.merkle import Frontier, leaf_hash
from tests.collector.control.callers import ALICE, CAROL, OLGA, Spool, controls_in

WHY = Why(requested_by="ann", ticket="T-1", reason="laptop lost")


@pytest.fixture
def spool() -> Spool:
    """An empty spool."""
    return Spool()


@pytest.fixture
def data(tmp_path: Path) -> DataDir:
    """A data folder."""
    return prepare(tmp_path / "data")


@pytest.fixture
def log_keys(data: DataDir, spool: Spool) -> LogKeys:
    """Of that folder, before there is any key."""
    return controls_in(data.folder("registry"), spool).log_keys


@pytest.fixture
def notary(data: DataDir) -> Notary:
    """Has signed two logs of three entries each, of which the second is open."""
    notary = Notary(Begin(str(data.root / SIGNER), "local/auditspan/default", data.instance))
    begun = notary.begun()
    publish(data, Begun(begun.root_vkey, begun.notary_vkey))
    tree = Frontier().extended([leaf_hash(bytes([n])) for n in range(3)])
    for epoch in ("2026-11", "2026-11.2"):
        notary.answer(Open(epoch, "next"))
        origin = notary.heads().logs[-1].origin
        close = epoch == "2026-11"
        notary.answer(Sign(origin, 0, 3, tree.root().hex(), (), close))
    return notary


def test_keys_are_listed(log_keys: LogKeys, notary: Notary) -> None:
    """Root log, notary and each log, with what its key counts for."""
    first, second = notary.heads().logs
    notary.answer(Revoke(first.vkey, 2))
    rows = log_keys.listed(OLGA)
    assert [(row["use"], row["state"], row["size"], row["good_until"]) for row in rows] == [
        ("root", "in use", 5, None),
        ("notary", "in use", None, None),
        ("log", "revoked, closed", 3, 2),
        ("log", "in use", 3, None),
    ]
    assert [row["vkey"] for row in rows[2:]] == [first.vkey, second.vkey]
    assert [row["id"] for row in rows] == [key_id(str(row["vkey"])) for row in rows]


def test_a_rotation_is_recorded(log_keys: LogKeys, notary: Notary, spool: Spool) -> None:
    """Who asked and why, and the key that it is about; the engine does the rest."""
    open_log = notary.heads().logs[-1]
    asked = asyncio.run(log_keys.rotate(WHY, OLGA))
    assert asked["name"] == open_log.origin
    [record] = spool.records
    assert record.kind == "log.key_rotated"
    assert record.body == {
        "id": key_id(open_log.vkey), "log": open_log.origin, "vkey": open_log.vkey,
    }  # fmt: skip
    assert (record.why, record.asked_by) == (WHY, "person:olga")
    assert sentence(record) == (
        f'key {key_id(open_log.vkey)} of log "{open_log.origin}" replaced by that of the next log, '
        'asked by "person:olga" on behalf of "ann" (claimed), ticket "T-1".'
    )


def test_a_revocation_is_recorded(log_keys: LogKeys, notary: Notary, spool: Spool) -> None:
    """Of a closed log and of the open one, up to a size or to all that was signed."""
    first, second = notary.heads().logs
    for log, good in ((first, 2), (second, None)):
        asyncio.run(log_keys.revoke(key_id(log.vkey), good, WHY, OLGA))
    assert spool.kinds == ["log.key_revoked"] * 2
    assert [record.body.get("good_until_size") for record in spool.records] == [2, None]
    assert [record.body["vkey"] for record in spool.records] == [first.vkey, second.vkey]
    assert "revoked, it counts up to 2 entries" in sentence(spool.records[0])
    assert "revoked, it counts up to its end" in sentence(spool.records[1])


def test_a_revocation_is_only_ever_narrowed(log_keys: LogKeys, notary: Notary) -> None:
    """What counted no more does not count again."""
    vkey = notary.heads().logs[0].vkey
    notary.answer(Revoke(vkey, 2))
    for good in (2, 3, None):
        with pytest.raises(ControlConflict, match="counts for 2 entries"):
            asyncio.run(log_keys.revoke(key_id(vkey), good, WHY, OLGA))
    asyncio.run(log_keys.revoke(key_id(vkey), 1, WHY, OLGA))


@pytest.mark.parametrize(
    ("ask", "error", "expected"),
    [
        (lambda k, r: k.revoke(key_id(r["log"]), 4, WHY, OLGA), ControlInvalid, "expected 0 to 3"),
        (lambda k, r: k.revoke(key_id(r["log"]), -1, WHY, OLGA), ControlInvalid, "is -1"),
        (lambda k, r: k.revoke("00000000", None, WHY, OLGA), NotFound, "auditspan keys list"),
        (lambda k, r: k.revoke(key_id(r["root"]), 1, WHY, OLGA), ControlConflict, "auditors pin"),
        (lambda k, r: k.revoke(key_id(r["notary"]), 1, WHY, OLGA), ControlConflict, "the notary"),
        (lambda k, r: k.revoke(key_id(r["log"]), 1, Why(), OLGA), ControlInvalid, "reason"),
        (lambda k, r: k.rotate(Why(reason=" "), OLGA), ControlInvalid, "reason"),
        (lambda k, r: k.rotate(WHY, ALICE), ControlForbidden, "operator"),
        (lambda k, r: k.revoke(key_id(r["log"]), 1, WHY, CAROL), ControlForbidden, "operator"),
    ],
    ids=[
        "more", "negative", "unknown", "root", "notary", "why", "why-rotate", "policy", "reader",
    ],
)  # fmt: skip
def test_what_is_refused_leaves_no_record(
    log_keys: LogKeys,
    notary: Notary,
    spool: Spool,
    ask: Callable[..., object],
    error: type[ControlError],
    expected: str,
) -> None:
    """And says what would do."""
    keys = {"root": notary.root_signer.vkey, "notary": notary.cosigner.vkey}
    keys["log"] = notary.heads().logs[0].vkey
    with pytest.raises(error, match=expected):
        asyncio.run(ask(log_keys, keys))  # type: ignore[arg-type]
    assert spool.records == []


def test_before_the_first_start_there_is_nothing_to_rotate(log_keys: LogKeys) -> None:
    """No log, no key."""
    assert log_keys.listed(OLGA) == []
    with pytest.raises(ControlConflict, match="no log is open"):
        asyncio.run(log_keys.rotate(WHY, OLGA))
    with pytest.raises(ControlForbidden):
        log_keys.listed(CAROL)


def test_a_full_spool_and_a_damaged_state_are_said(
    log_keys: LogKeys, notary: Notary, data: DataDir, spool: Spool
) -> None:
    """Neither is a fault of ours."""
    spool.full = True
    with pytest.raises(ControlUnavailable):
        asyncio.run(log_keys.rotate(WHY, OLGA))
    (data.root / SIGNER / "state.json").write_text('{"version": 9}')
    with pytest.raises(ControlConflict, match="expected version 1"):
        asyncio.run(log_keys.rotate(WHY, OLGA))
