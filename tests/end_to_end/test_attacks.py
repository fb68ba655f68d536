"""What somebody can do to a sealed store, and what verification says: with and without an anchor.

The rows of the table in `docs/verification.md`, on an embedded store that the real pipeline sealed,
edited with SQL and files. The policy is the auditor's; the anchors are notes that were saved before
the last batch. What no verification can see is here as well, with the verdict that it then gives.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from auditspan.reports.verification.report import Anchored, Verdict, Weight
from auditspan.storage.sealing.checkpoints import Checkpoint, put_checkpoints
from tests.reports.verification.sealed import (
    BATCH,
    ERASED_INDEX,
    HOUR,
    NOW,
    ROOT,
    Sealed,
    Thief,
    made,
    opened,
    redact,
)

VALID, INVALID, UNVERIFIABLE = Verdict
AT: Final = 30
"""Index of a record of the first batch."""
_ONE: Final = f"LogIndex = {AT}"


def change_a_field(store: Sealed) -> None:
    store.sql(f"ALTER TABLE audit_records UPDATE Summary = 'nothing happened' WHERE {_ONE}")


def fill_a_blank_column(store: Sealed) -> None:
    store.sql(f"ALTER TABLE audit_records UPDATE Purpose = 'agreed' WHERE {_ONE}")


def change_a_field_and_its_seal(store: Sealed) -> None:
    change_a_field(store)
    store.reseal(AT)


def change_a_map_value(store: Sealed) -> None:
    store.replace({"SpanAttributes": "mapUpdate(SpanAttributes, map('note', 'x'))"}, _ONE)


def add_a_map_key(store: Sealed) -> None:
    store.replace({"SpanAttributes": "mapUpdate(SpanAttributes, map('new', 'x'))"}, _ONE)


def remove_a_map_key(store: Sealed) -> None:
    store.replace({"SpanAttributes": "mapFilter((k, v) -> k != 'note', SpanAttributes)"}, _ONE)


def delete_a_live_record(store: Sealed) -> None:
    store.sql(f"ALTER TABLE audit_records DELETE WHERE {_ONE}")


def delete_and_fake_the_expiry(store: Sealed) -> None:
    delete_a_live_record(store)
    where = f"LogId = '{store.log}' AND {_ONE}"
    store.sql(f"ALTER TABLE audit_seals UPDATE ExpiresOn = 20000 WHERE {where}")


def delete_a_record_and_its_seal(store: Sealed) -> None:
    delete_a_live_record(store)
    store.sql(f"ALTER TABLE audit_seals DELETE WHERE LogId = '{store.log}' AND {_ONE}")


def delete_a_partition(store: Sealed) -> None:
    store.sql("TRUNCATE TABLE audit_records")


def truncate_to_a_checkpoint(store: Sealed) -> None:
    size = store.sizes[2]
    store.cut(size, root_size=store.root_size_before(size))


def truncate_between_checkpoints(store: Sealed) -> None:
    size = store.sizes[2]
    store.cut(size, root_size=store.root_size_before(size))
    where = f"LogId = '{store.log}' AND Size > {store.sizes[1]}"
    store.sql(f"ALTER TABLE audit_checkpoints DELETE WHERE {where}")
    root_size = store.root_size_before(store.sizes[1])
    for table in ("audit_seals", "audit_log_entries"):
        store.sql(f"ALTER TABLE {table} DELETE WHERE LogId = '{ROOT}' AND LogIndex >= {root_size}")
        where = f"LogId = '{store.log}' AND LogIndex >= {size - 3}"
        store.sql(f"ALTER TABLE {table} DELETE WHERE {where}")
    store.sql(f"ALTER TABLE audit_checkpoints DELETE WHERE LogId = '{ROOT}' AND Size > {root_size}")
    store.sql(f"ALTER TABLE audit_records DELETE WHERE LogIndex >= {size - 3}")


def delete_a_whole_log(store: Sealed) -> None:
    for table in ("audit_records", "audit_seals", "audit_log_entries", "audit_checkpoints"):
        store.sql(f"ALTER TABLE {table} DELETE WHERE LogId = '{store.log}'")


def delete_everything(store: Sealed) -> None:
    for table in ("audit_records", "audit_seals", "audit_log_entries", "audit_checkpoints"):
        store.sql(f"TRUNCATE TABLE {table}")


def delete_the_root_log(store: Sealed) -> None:
    for table in ("audit_seals", "audit_log_entries", "audit_checkpoints"):
        store.sql(f"ALTER TABLE {table} DELETE WHERE LogId = '{ROOT}'")


def delete_the_checkpoints(store: Sealed) -> None:
    store.sql("TRUNCATE TABLE audit_checkpoints")


def insert_at_the_tail(store: Sealed) -> None:
    _copied(store, store.end())


def insert_at_the_tail_with_a_seal(store: Sealed) -> None:
    end = store.end()
    _copied(store, end)
    _seal_copied(store, end)
    store.reseal(end)


def insert_in_the_middle(store: Sealed) -> None:
    _copied(store, 100)


def insert_without_a_log(store: Sealed) -> None:
    _copied(store, 0, log="")


def insert_into_another_log(store: Sealed) -> None:
    _copied(store, 0, log="local/auditspan/default/other/2026-11")


def make_another_log(store: Sealed) -> None:
    other = "local/auditspan/default/other/2026-11"
    _copied(store, 0, log=other)
    _seal_copied(store, 0, log=other)


def double_a_record(store: Sealed) -> None:
    store.sql(f"INSERT INTO audit_records SELECT * FROM audit_records WHERE {_ONE}")


def double_a_seal(store: Sealed) -> None:
    where = f"LogId = '{store.log}' AND {_ONE}"
    store.sql(f"INSERT INTO audit_seals SELECT * FROM audit_seals WHERE {where}")


def swap_records(store: Sealed) -> None:
    swapped = {"LogIndex": f"if({_ONE}, {AT + 1}, {AT})"}
    store.replace(swapped, f"LogIndex IN ({AT}, {AT + 1})")


def swap_records_and_seals(store: Sealed) -> None:
    swap_records(store)
    store.reseal(AT)
    store.reseal(AT + 1)


def backdate_with_the_key(store: Sealed) -> None:
    _backdated(store, NOW - HOUR, {})


def backdate_behind_the_anchor(store: Sealed) -> None:
    """After the batch before, so that nothing is out of order, but before the anchor's time."""
    _backdated(store, NOW + 3 * HOUR + HOUR // 6, {store.sizes[4]: NOW + 3 * HOUR + HOUR // 6})


def change_and_sign_with_stolen_keys(store: Sealed) -> None:
    change_a_field_and_its_seal(store)
    Thief(store).sign_all(_times(store))


def truncate_and_sign_with_stolen_keys(store: Sealed) -> None:
    truncate_to_a_checkpoint(store)
    Thief(store).sign_all({store.sizes[2]: (NOW + 20 * HOUR) // 10**9})


def forge_new_records_with_stolen_keys(store: Sealed) -> None:
    insert_at_the_tail_with_a_seal(store)
    times = _times(store)
    Thief(store).sign_all({**times, store.end(): max(times.values())})


def sign_with_keys_of_ones_own(store: Sealed) -> None:
    change_a_field_and_its_seal(store)
    for key in (store.folder / "secrets" / "log").glob("*.key"):
        key.write_bytes(_another_key())
    Thief(store).sign_all(_times(store))


def show_two_trees(store: Sealed) -> None:
    size, seconds = store.sizes[1], (NOW + 2 * HOUR) // 10**9
    root = bytes(32)
    note = Thief(store).note(store.log, size, root, seconds).decode()
    put_checkpoints(store.store, [Checkpoint(store.log, size, root, seconds * 1000, note)])


def change_a_checkpoint_row(store: Sealed) -> None:
    where = f"LogId = '{store.log}' AND Size = {store.sizes[0]}"
    store.sql(f"ALTER TABLE audit_checkpoints UPDATE Root = unhex('{'00' * 32}') WHERE {where}")


def change_a_note(store: Sealed) -> None:
    size = store.sizes[0]
    changed = f"replaceOne(Note, '\\n{size}\\n', '\\n{size + 1}\\n')"
    where = f"LogId = '{store.log}' AND Size = {size}"
    store.sql(f"ALTER TABLE audit_checkpoints UPDATE Note = {changed} WHERE {where}")


def redact_without_authority(store: Sealed) -> None:
    redact(store.store, store.log, AT, "result")
    redact(store.store, store.log, AT + 1, "arguments")


def put_a_text_back(store: Sealed) -> None:
    where = f"LogIndex = {ERASED_INDEX}"
    store.sql(f"ALTER TABLE audit_records UPDATE ToolArguments = 'x' WHERE {where}")


def point_an_erasure_elsewhere(store: Sealed) -> None:
    body = f"replaceOne(Body, '\"index\":{ERASED_INDEX}', '\"index\":{AT}')"
    where = f"LogId = '{store.log}' AND Kind = 4"
    store.sql(f"ALTER TABLE audit_log_entries UPDATE Body = {body} WHERE {where}")


def delete_an_erasure(store: Sealed) -> None:
    where = f"LogId = '{store.log}' AND Kind = 4"
    store.sql(f"ALTER TABLE audit_log_entries DELETE WHERE {where}")


def invent_an_erasure(store: Sealed) -> None:
    body = f'{{"erased":[{{"log":"{store.log}","index":{AT},"groups":["*"]}}]}}'
    place = f"SELECT LogId, {AT}, 4, '{body}' FROM audit_log_entries"
    store.sql(f"INSERT INTO audit_log_entries {place} WHERE LogId = '{store.log}' LIMIT 1")
    delete_a_live_record(store)


def put_a_view_in_front(store: Sealed) -> None:
    """It shows readers another text than whoever verifies, whose settings tell it apart."""
    store.sql("RENAME TABLE audit_records TO kept")
    told = "if(getSetting('max_execution_time') = 300, Summary, 'nothing happened')"
    store.sql(f"CREATE VIEW audit_records AS SELECT * REPLACE ({told} AS Summary) FROM kept")


def compute_a_column(store: Sealed) -> None:
    store.sql("ALTER TABLE audit_records MODIFY COLUMN Purpose String DEFAULT ''")


def nothing_is_done(store: Sealed) -> None:
    """The records say that they happened before they were received: no tampering, but lateness."""


class Attack(NamedTuple):
    """What is done, and what comes out."""

    do: Callable[[Sealed], None]
    alone: Verdict
    """By the store alone."""
    anchored: Verdict
    """With saved notes."""
    kinds: frozenset[str]
    """Of what is found by the store alone."""
    more: frozenset[str] = frozenset()
    """Of what is found besides with saved notes."""


def _found(do: Callable[[Sealed], None], *kinds: str, more: tuple[str, ...] = ()) -> Attack:
    return Attack(do, INVALID, INVALID, frozenset(kinds), frozenset(more))


def _unseen(do: Callable[[Sealed], None], *kinds: str) -> Attack:
    """Only an anchor shows it."""
    return Attack(do, VALID, INVALID, frozenset(), frozenset(kinds))


CUT: Final = "anchor.truncated"
ATTACKS: Final = (
    Attack(nothing_is_done, VALID, VALID, frozenset()),
    _found(change_a_field, "record.altered"),
    _found(fill_a_blank_column, "record.altered"),
    _found(change_a_field_and_its_seal, "root.mismatch", more=("anchor.conflict",)),
    _found(change_a_map_value, "record.altered"),
    _found(add_a_map_key, "record.altered"),
    _found(remove_a_map_key, "record.altered"),
    _found(delete_a_live_record, "record.missing"),
    _found(delete_and_fake_the_expiry, "root.mismatch", more=("anchor.conflict",)),
    _found(delete_a_record_and_its_seal, "log.gap", more=(CUT,)),
    _found(delete_a_partition, "record.missing"),
    _unseen(truncate_to_a_checkpoint, CUT),
    _found(truncate_between_checkpoints, "log.unsigned", more=(CUT,)),
    _found(delete_a_whole_log, "log.missing", more=(CUT,)),
    Attack(
        delete_everything, UNVERIFIABLE, INVALID,
        frozenset({"store.unsealed", "root.missing"}),
        frozenset({CUT, "anchor.unusable"}),
    ),
    Attack(
        delete_the_root_log, UNVERIFIABLE, INVALID,
        frozenset({"root.missing", "log.no_key"}),
        frozenset({CUT, "anchor.unusable"}),
    ),
    _found(delete_the_checkpoints, "log.unsigned", "log.no_key", more=("anchor.unusable",)),
    _found(insert_at_the_tail, "record.unsealed"),
    _found(insert_at_the_tail_with_a_seal, "log.unsigned"),
    _found(insert_in_the_middle, "record.altered", "record.duplicate", "time.order"),
    _found(insert_without_a_log, "record.unsealed"),
    _found(insert_into_another_log, "record.unsealed"),
    _found(make_another_log, "log.unknown", "record.altered"),
    _found(double_a_record, "record.duplicate"),
    _found(double_a_seal, "log.gap", more=(CUT,)),
    _found(swap_records, "record.altered"),
    _found(swap_records_and_seals, "root.mismatch", more=("anchor.conflict",)),
    _found(backdate_with_the_key, "time.order", "time.backdated"),
    _unseen(backdate_behind_the_anchor, "time.backdated", "anchor.conflict"),
    _unseen(change_and_sign_with_stolen_keys, "anchor.conflict"),
    _unseen(truncate_and_sign_with_stolen_keys, CUT),
    # Nobody sees it: it is as if the collector had sealed it. Until the key is revoked.
    Attack(forge_new_records_with_stolen_keys, VALID, VALID, frozenset()),
    _found(
        sign_with_keys_of_ones_own, "note.signature", "log.unsigned", "log.no_key",
        more=("anchor.unusable", "anchor.conflict"),
    ),
    _found(show_two_trees, "log.split"),
    _found(put_a_view_in_front, "store.shape"),
    _found(compute_a_column, "store.shape"),
    _found(change_a_checkpoint_row, "checkpoint.row"),
    _found(change_a_note, "note.signature", "checkpoint.row"),
    _found(redact_without_authority, "record.redacted"),
    _found(put_a_text_back, "record.restored"),
    _found(point_an_erasure_elsewhere, "entry.altered", "record.redacted"),
    _found(delete_an_erasure, "entry.altered", "record.redacted"),
    _found(invent_an_erasure, "record.missing", "entry.stray"),
)  # fmt: skip


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store, sealed once."""
    return made(tmp_path_factory.mktemp("sealed"))


@pytest.fixture
def copy(sealed: Path, tmp_path: Path) -> Iterator[Sealed]:
    """A copy of it that may be attacked."""
    with opened(sealed, tmp_path / "data") as store:
        yield store


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.do.__name__)
def test_an_attack_gives_its_verdict(copy: Sealed, attack: Attack) -> None:
    """With and without an anchor, and for the reason that it should."""
    attack.do(copy)
    alone, anchored = copy.verify(), copy.verify(anchors=True)
    assert (alone.verdict, _kinds(alone.problems)) == (attack.alone, attack.kinds)
    found = _kinds(anchored.problems)
    assert (anchored.verdict, found) == (attack.anchored, attack.kinds | attack.more)
    assert alone.anchored == Anchored.NONE
    assert "rollback" in alone.not_excluded
    if anchored.verdict is VALID:
        assert anchored.anchored == Anchored.LOCAL
        assert anchored.not_excluded.startswith("local anchor only")


@pytest.mark.parametrize("anchors", [False, True])
def test_an_old_backup_is_seen_with_an_anchor_only(
    sealed: Path, tmp_path: Path, *, anchors: bool
) -> None:
    """Everything is as it was after the first batch: whoever remembers nothing sees nothing."""
    with opened(sealed, tmp_path / "data", backup=True) as store:
        found = store.verify(anchors=anchors)
    assert found.verdict == (INVALID if anchors else VALID)
    assert _kinds(found.problems) == (frozenset({CUT}) if anchors else frozenset())


def test_notes_of_the_data_folder_see_a_database_that_was_cut(copy: Sealed) -> None:
    """Whoever has the database alone does not reach the notes that front keeps."""
    truncate_to_a_checkpoint(copy)
    found = copy.verify(files=True)
    assert (found.verdict, _kinds(found.problems)) == (INVALID, frozenset({"log.truncated"}))


def test_what_is_altered_is_named(copy: Sealed) -> None:
    """By its record and its place; all else stays as it is."""
    record = copy.record(AT)
    change_a_field(copy)
    found = copy.verify()
    (problem,) = found.problems
    assert (problem.record_id, problem.index, problem.log) == (record, AT, copy.log)
    assert found.states() == {"present-ok": 5 * BATCH - 2, "erased-groups": 1, "ALTERED": 1}


def test_an_entry_of_the_root_log_that_is_none_is_said_once(copy: Sealed) -> None:
    """It is read for the logs that there have to be, and again for how far these are anchored."""
    first = f"SELECT min(LogIndex) FROM audit_log_entries WHERE LogId = '{ROOT}' AND Kind = 16"
    where = f"LogId = '{ROOT}' AND Kind = 16 AND LogIndex = ({first})"
    copy.sql(f"ALTER TABLE audit_log_entries UPDATE Body = 'nothing' WHERE {where}")
    found = copy.verify(anchors=True)
    kinds = [problem.kind for problem in found.problems]
    assert (found.verdict, kinds.count("entry.malformed")) == (INVALID, 1)
    assert len(set(found.problems)) == len(kinds)


def test_what_never_came_shows_in_the_population_only(copy: Sealed) -> None:
    """Requests lost before they were sealed: senders number theirs, and gaps are counted."""
    found = copy.verify()
    assert (found.verdict, found.population.sequence_gaps) == (VALID, 4)
    assert (found.population.records, found.population.dead_letters) == (5 * BATCH, 1)


def _kinds(problems: object) -> frozenset[str]:
    assert isinstance(problems, tuple)
    return frozenset(p.kind for p in problems if p.weight is not Weight.WARNING)


def _times(store: Sealed) -> dict[int, int]:
    """Sizes that were signed, with their seconds."""
    sql = (
        "SELECT Size, toUnixTimestamp(max(SignedAt)) AS At FROM audit_checkpoints "
        "WHERE LogId = {log:String} GROUP BY Size ORDER BY Size"
    )
    return {row["Size"]: row["At"] for row in store.rows(sql, {"log": store.log})}


def _backdated(store: Sealed, at_ns: int, times: dict[int, int]) -> None:
    """The last batch, sealed at another time; signed at its own times, or at others."""
    first, end = store.sizes[3], store.sizes[4]
    time = f"fromUnixTimestamp64Nano(toInt64({at_ns}), 'UTC')"
    store.replace({"SealedAt": time}, f"LogIndex >= {first}")
    store.reseal_all(first, end)
    seconds = {size: at // 10**9 for size, at in times.items()}
    signed = {**_times(store), **seconds}
    if seconds:
        # The signature half an hour after the batch before would give it away.
        signed[store.sizes[3]] = (NOW + 3 * HOUR) // 10**9
    Thief(store).sign_all(signed)


def _copied(store: Sealed, index: int, log: str | None = None) -> None:
    """A record that nobody has sealed, in this place."""
    name = store.log if log is None else log
    changes = f"'{name}' AS LogId, toUInt64({index}) AS LogIndex, 'invented' AS RecordId"
    if name == store.log and index >= store.end():
        changes += ", (SELECT max(SealedAt) FROM audit_records) AS SealedAt"
    one = f"SELECT * FROM audit_records WHERE LogId = '{store.log}' AND {_ONE}"
    store.sql(f"INSERT INTO audit_records SELECT * REPLACE ({changes}) FROM ({one})")


def _seal_copied(store: Sealed, index: int, log: str = "") -> None:
    changes = f"'{log or store.log}' AS LogId, toUInt64({index}) AS LogIndex"
    one = f"SELECT * FROM audit_seals WHERE LogId = '{store.log}' AND {_ONE}"
    store.sql(f"INSERT INTO audit_seals SELECT * REPLACE ({changes}) FROM ({one})")


def _another_key() -> bytes:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from auditspan.integrity.keys import encode_key

    return encode_key(Ed25519PrivateKey.generate())
