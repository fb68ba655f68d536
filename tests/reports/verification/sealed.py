"""A store that the real pipeline has sealed, and what somebody with more or less power does to it.

`made` seals batches over a simulated day with a real notary; everything that an auditor has beside
the store (policy, saved notes) is kept apart. `Thief` has the keys too, and signs everything anew.
"""

import atexit
import json
import shutil
import struct
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Status

from auditspan.collector.data_dir import SIGNER, prepare
from auditspan.collector.engine.log_entries import Saying, body_text
from auditspan.collector.engine.segments import Segments
from auditspan.integrity.canonical import ENTRY_BYTES, derived_salts, group_commitment
from auditspan.integrity.checkpoint import Checkpoint, checkpoint_of
from auditspan.integrity.control_entry import Kind, control_entry
from auditspan.integrity.keys import LocalSigner, read_key
from auditspan.integrity.merkle import leaf_hashes
from auditspan.integrity.note import (
    COSIGNATURE,
    ED25519,
    Verifier,
    make_note,
    parse_note,
    sign_line,
)
from auditspan.integrity.policy import policy_text
from auditspan.integrity.sealed_columns import SCHEMA
from auditspan.integrity.tree import Tree
from auditspan.reports.verification.inputs import Inputs
from auditspan.reports.verification.report import Report
from auditspan.reports.verification.run import run
from auditspan.reports.verification.trust import Trust, of_policy
from auditspan.reports.verification.window import Window
from auditspan.storage.engine import Engine, open_embedded
from auditspan.storage.sealing.checkpoints import Checkpoint as Row
from auditspan.storage.sealing.checkpoints import put_checkpoints
from auditspan.storage.sealing.entries import entries_of_store
from auditspan.storage.sealing.recompute import answer
from auditspan.storage.sealing.seal_file import Body
from auditspan.storage.sealing.seals import put_bodies, put_entries, read_entries
from auditspan.storage.values import Params, Value
from tests.collector.engine.conftest import NOW as NOW
from tests.collector.engine.conftest import Workshop, applied, envelope, unreadable
from tests.migrated import migrated_store

DEPLOYMENT = "local/auditspan/default"
ROOT, NOTARY = f"{DEPLOYMENT}/root", f"{DEPLOYMENT}/notary"
HOUR = 3_600 * 10**9
BATCH = 60
ERASED_INDEX, ERASED_GROUP = 20, "arguments"
LATER = (NOW + 24 * HOUR) // 10**9
"""When it is verified, Unix seconds."""


@dataclass
class Sealed:
    """An opened store, and what an auditor has besides."""

    store: Engine
    folder: Path
    policy: bytes
    saved: tuple[tuple[str, bytes], ...]
    """Notes of the root log and of the log that were saved after the last batch but one."""
    log: str
    sizes: tuple[int, ...]
    """Of the log after each batch."""
    files: tuple[tuple[str, bytes], ...] = ()
    """Notes of the data folder, as long as nobody has put others in their place."""

    def ask(self, name: str, params: Mapping[str, Value]) -> pa.Table:
        """As verification asks."""
        return answer(self.store, name, params)

    @property
    def trust(self) -> Trust:
        """Keys of the policy, got out of band."""
        return of_policy(self.policy, "policy.txt")

    def verify(
        self,
        *,
        anchors: bool = False,
        files: bool = False,
        window: Window | None = None,
        now: float = LATER,
    ) -> Report:
        """Verify it."""
        given = Inputs(
            self.trust,
            notes=lambda: self.files if files else (),
            anchors=self.saved if anchors else (),
            now=lambda: now,
        )
        return run(self.ask, given, window)

    def sql(self, sql: str, **params: Value) -> None:
        """Change the store as somebody with the database does."""
        self.store.command(f"{sql} SETTINGS mutations_sync = 2" if "ALTER" in sql else sql, params)

    def rows(self, sql: str, params: Params | None = None) -> list[dict[str, Any]]:
        """Look into the store."""
        return list(self.store.arrow(sql, params).to_pylist())

    def record(self, index: int) -> str:
        """Id of the record at an index."""
        where = "LogId = {log:String} AND LogIndex = {at:UInt64}"
        sql = f"SELECT RecordId FROM audit_records WHERE {where}"
        return str(self.rows(sql, {"log": self.log, "at": index})[0]["RecordId"])

    def end(self, log: str = "") -> int:
        """Entries of a log."""
        sql = "SELECT max(LogIndex) + 1 AS e FROM audit_seals WHERE LogId = {log:String}"
        return int(self.rows(sql, {"log": log or self.log})[0]["e"])

    def replace(self, changes: Mapping[str, str], where: str = "1") -> None:
        """Change columns, also those that an UPDATE may not: by expressions, of rows that match."""
        made = ", ".join(f"{what} AS `{name}`" for name, what in changes.items())
        self.sql("CREATE TABLE changed AS audit_records")
        rows = f"SELECT * FROM audit_records WHERE {where}"
        self.sql(f"INSERT INTO changed SELECT * REPLACE ({made}) FROM ({rows})")
        self.sql(f"ALTER TABLE audit_records DELETE WHERE {where}")
        self.sql("INSERT INTO audit_records SELECT * FROM changed")
        self.sql("DROP TABLE changed SYNC")

    def reseal(self, index: int) -> None:
        """Make the entry of a record fit again."""
        made = entries_of_store(self.store, self.log, index, index + 1)
        entry = bytes(made["Entry"][0].as_py())
        self.sql(
            "ALTER TABLE audit_seals UPDATE Content = unhex({content:String}), "
            "ExpiresOn = {day:UInt32} WHERE LogId = {log:String} AND LogIndex = {at:UInt64}",
            content=entry[6:].hex(),
            day=int.from_bytes(entry[2:6]),
            log=self.log,
            at=index,
        )

    def reseal_all(self, first: int, end: int) -> None:
        """Make the entries of records fit again that have a place each."""
        made = entries_of_store(self.store, self.log, first, end).sort_by("LogIndex")
        assert made["LogIndex"].to_pylist() == list(range(first, end))
        put_entries(self.store, self.log, first, b"".join(map(bytes, made["Entry"].to_pylist())))

    def cut(self, size: int, *, root_size: int) -> None:
        """Leave nothing behind a size of the log, and of the root log."""
        for log, end in ((self.log, size), (ROOT, root_size)):
            for table in ("audit_records", "audit_seals", "audit_log_entries"):
                where = "LogId = {log:String} AND LogIndex >= {end:UInt64}"
                self.sql(f"ALTER TABLE {table} DELETE WHERE {where}", log=log, end=end)
            where = "LogId = {log:String} AND Size > {end:UInt64}"
            self.sql(f"ALTER TABLE audit_checkpoints DELETE WHERE {where}", log=log, end=end)

    def root_sizes(self) -> list[int]:
        """Sizes of the root log that were signed."""
        sql = "SELECT DISTINCT Size FROM audit_checkpoints WHERE LogId = {log:String} ORDER BY Size"
        return [int(row["Size"]) for row in self.rows(sql, {"log": ROOT})]

    def root_size_before(self, size: int) -> int:
        """Largest signed size of the root log that holds no checkpoint of the log above `size`."""
        kept = 0
        sql = (
            "SELECT LogIndex, splitByChar('\\n', Body)[1] AS Log, "
            "toUInt64OrZero(splitByChar('\\n', Body)[2]) AS Size FROM audit_log_entries "
            "WHERE LogId = {log:String} AND Kind = 16 ORDER BY LogIndex"
        )
        later = [
            row["LogIndex"]
            for row in self.rows(sql, {"log": ROOT})
            if row["Log"] == self.log and row["Size"] > size
        ]
        for found in self.root_sizes():
            kept = found if not later or found <= later[0] else kept
        return kept


@dataclass
class Thief:
    """Has the keys of a collector, and its store."""

    sealed: Sealed
    keys: dict[str, LocalSigner] = field(default_factory=dict)

    def __post_init__(self) -> None:
        folder = self.sealed.folder / SIGNER
        epoch = self.sealed.log.rpartition("/")[2]
        for name, file, type in (
            (self.sealed.log, epoch, ED25519), (ROOT, "root", ED25519),
            (NOTARY, "notary", COSIGNATURE),
        ):  # fmt: skip
            self.keys[name] = LocalSigner(name, type, _key(folder / f"{file}.key"))

    def note(self, log: str, size: int, root: bytes, seconds: int) -> bytes:
        """A note that nobody can tell from a genuine one."""
        text = Checkpoint(log, size, root).text
        signatures = [
            sign_line(text, self.keys[log]), sign_line(text, self.keys[NOTARY], seconds),
        ]  # fmt: skip
        return make_note(text, signatures)

    def sign_all(self, times: Mapping[int, int], more: Sequence[tuple[int, str]] = ()) -> None:
        """New notes of the log at these sizes, and a root log that holds them, and `more`."""
        sealed = self.sealed
        entries = read_entries(sealed.store, sealed.log, 0, sealed.end())
        tree = Tree(leaf_hashes(entries, ENTRY_BYTES))
        notes = {n: self.note(sealed.log, n, tree.root(n), at) for n, at in times.items()}
        kept, bodies = self._kept(tree, times)
        bodies += [(Kind.CHECKPOINT, notes[n].decode()) for n in notes if n not in kept]
        bodies += more
        notes |= kept
        self._write(notes, bodies, tree, times)

    def revoke(self, good: int, *more: tuple[int, str]) -> None:
        """End the log's key as its operator does, in an entry behind all others but `more`."""
        said = {"vkey": self.keys[self.sealed.log].vkey, "good_until_size": good}
        ended = (int(Kind.KEY_REVOKE), json.dumps(said))
        self.sign_all({self.sealed.end(): NOW // 10**9 + 40_000}, [ended, *more])

    def _kept(
        self, tree: Tree, times: Mapping[int, int]
    ) -> tuple[dict[int, bytes], list[tuple[int, str]]]:
        """The beginning of the root log that can stay as it is, and its notes."""
        kept, bodies = {}, []
        sql = "SELECT Kind, Body FROM audit_log_entries WHERE LogId = {log:String}"
        for row in self.sealed.rows(f"{sql} ORDER BY LogIndex", {"log": ROOT}):
            if row["Kind"] == Kind.CHECKPOINT:
                note = row["Body"].encode()
                at = checkpoint_of(note)
                (cosigned,) = struct.unpack(">Q", parse_note(note).signatures[1].data[:8])
                if at.size > len(tree) or tree.root(at.size) != at.root:
                    break
                if cosigned > max(times.values()):
                    break
                kept[at.size] = note
            bodies.append((row["Kind"], row["Body"]))
        return kept, bodies

    def _write(
        self,
        notes: Mapping[int, bytes],
        bodies: Sequence[tuple[int, str]],
        tree: Tree,
        times: Mapping[int, int],
    ) -> None:
        sealed, last = self.sealed, max(times.values())
        sealed.sql("TRUNCATE TABLE audit_checkpoints")
        for table in ("audit_seals", "audit_log_entries"):
            sealed.sql(f"ALTER TABLE {table} DELETE WHERE LogId = {{log:String}}", log=ROOT)
        data = b"".join(control_entry(kind, body) for kind, body in bodies)
        put_entries(sealed.store, ROOT, 0, data)
        put_bodies(sealed.store, ROOT, tuple(Body(i, *b) for i, b in enumerate(bodies)))
        root = Tree(leaf_hashes(data, ENTRY_BYTES)).root()
        made = self.note(ROOT, len(bodies), root, last)
        rows = [Row(sealed.log, n, tree.root(n), times.get(n, last) * 1000, note.decode())
                for n, note in notes.items()]  # fmt: skip
        rows.append(Row(ROOT, len(bodies), root, last * 1000, made.decode()))
        put_checkpoints(sealed.store, rows)


def made(folder: Path) -> Path:
    """A sealed store in `folder/data`, with a policy and saved notes beside it."""
    shutil.copytree(_template(), folder, symlinks=True, dirs_exist_ok=True)
    return folder


@cache
def _template() -> Path:
    """Sealed once in a process."""
    folder = Path(tempfile.mkdtemp(prefix="auditspan-sealed-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    data = prepare(folder / "data")
    store = migrated_store(data.folder("store"))
    shop = Workshop(data, store)
    segments = shop.segments()
    first = shop.segment(applied(), request(range(1, BATCH)), unreadable())
    sizes = [_sealed(shop, segments, first)]
    shutil.copytree(data.root, folder / "backup" / "data", symlinks=True)
    _erase(shop, segments)
    for number in range(2, 6):
        shop.now += HOUR
        numbers = range(number * 1_000, number * 1_000 + BATCH)
        sizes.append(_sealed(shop, segments, shop.segment(request(numbers), number=number)))
        if number == 4:
            shop.now += HOUR // 2
            _idle(segments)
            _save(folder, "saved", segments)
    _save(folder, "files", segments)
    _policy(folder, segments)
    assert segments.sealing is not None
    facts = {"log": segments.sealing.log.origin, "sizes": sizes}
    (folder / "facts.json").write_text(json.dumps(facts))
    store.close()
    return folder


@contextmanager
def opened(folder: Path, copy: Path, *, backup: bool = False) -> Iterator[Sealed]:
    """A copy of a sealed store; with `backup` as it was after the first batch."""
    source = folder / "backup" / "data" if backup else folder / "data"
    shutil.copytree(source, copy, symlinks=True)
    facts = json.loads((folder / "facts.json").read_text())
    store = open_embedded(copy / "store")
    try:
        yield Sealed(
            store,
            copy,
            (folder / "policy.txt").read_bytes(),
            notes_in(folder / "saved"),
            facts["log"],
            tuple(facts["sizes"]),
            notes_in(folder / "files"),
        )
    finally:
        store.close()


def request(numbers: Sequence[int]) -> bytes:
    """A frame of tool calls with something in every kind of column."""
    made = ExportTraceServiceRequest()
    found = made.resource_spans.add()
    for key, text in (("service.name", "tests"), ("deployment.environment.name", "production")):
        found.resource.attributes.add(key=key).value.string_value = text
    scope = found.scope_spans.add()
    for number in numbers:
        span = scope.spans.add(name="execute_tool", trace_state="a=b")
        span.trace_id, span.span_id = (number).to_bytes(16), number.to_bytes(8)
        span.parent_span_id = (7).to_bytes(8)
        span.start_time_unix_nano, span.end_time_unix_nano = NOW - 10**9, NOW - 10**8
        span.status.code = Status.STATUS_CODE_ERROR
        span.status.message = "naïve \0 failure"
        event = span.events.add(name="retry", time_unix_nano=NOW - 10**8)
        event.attributes.add(key="n").value.int_value = number
        link = span.links.add(trace_id=(3).to_bytes(16), span_id=(4).to_bytes(8))
        link.attributes.add(key="why").value.string_value = "follows"
        for key, text in _TEXTS.items():
            span.attributes.add(key=key).value.string_value = text
        arguments = json.dumps({"to": "x", "amount": number})
        span.attributes.add(key="gen_ai.tool.call.arguments").value.string_value = arguments
        span.attributes.add(key="gen_ai.usage.input_tokens").value.int_value = number
        span.attributes.add(key="audit.sequence.number").value.int_value = number
    return envelope(made.SerializeToString())


_TEXTS = {
    "gen_ai.operation.name": "execute_tool",
    "gen_ai.tool.name": "pay",
    "gen_ai.tool.call.result": "paid ✓",
    "gen_ai.conversation.id": "conversation-1",
    "audit.agent.instance.id": "i1",
    "user.id": "u-17",
    "session.id": "s-1",
    "error.type": "Timeout",
    "note": "first",
}


def _sealed(shop: Workshop, segments: Segments, segment: Path) -> int:
    segments.process(segment)
    assert segments.sealing is not None
    segments.sealing.notes.flush()
    return segments.sealing.log.tree.size


def _idle(segments: Segments) -> None:
    """Sign the same tree once more."""
    assert segments.sealing is not None
    segments.sealing.tick()
    segments.sealing.notes.flush()


def _erase(shop: Workshop, segments: Segments) -> None:
    """Erase a group with an entry of the log that says so, as a request for it does."""
    sealing = segments.sealing
    assert sealing is not None
    log = sealing.log.origin
    body = {
        "control": "record.erased",
        "request": "R-1",
        "erased": [{"log": log, "index": ERASED_INDEX, "groups": [ERASED_GROUP]}],
    }
    sealing.seal("erase-1", None, [Saying(Kind.ERASE, body_text(body))])
    sealing.finish("erase-1")
    redact(shop.store, log, ERASED_INDEX, ERASED_GROUP)


def redact(store: Engine, log: str, index: int, group: str) -> None:
    """Take a group's values and the record's salt away, and keep what proves the rest."""
    columns = [c.name for g in SCHEMA.groups if g.name == group for c in g.columns]
    where = "LogId = {log:String} AND LogIndex = {at:UInt64}"
    sql = f"SELECT {', '.join(columns)}, RecordSalt FROM audit_records WHERE {where}"
    row = store.arrow(sql, {"log": log, "at": index}).to_pylist()[0]
    salts = derived_salts(row.pop("RecordSalt"), SCHEMA)
    commitment = group_commitment(row, salts.pop(group), group, SCHEMA)
    kept = ", ".join(f"'{name}', unhex('{salt.hex()}')" for name, salt in salts.items())
    gone = ", ".join(f"`{name}` = ''" for name in columns)
    store.command(
        f"ALTER TABLE audit_records UPDATE {gone}, RecordSalt = unhex('{'00' * 16}'), "
        f"GroupSalts = map({kept}), Redacted = map('{group}', unhex('{commitment.hex()}')) "
        f"WHERE {where} SETTINGS mutations_sync = 2",
        {"log": log, "at": index},
    )


def _save(folder: Path, name: str, segments: Segments) -> None:
    """Put the newest notes of the log and the root log into files."""
    (folder / name).mkdir()
    assert segments.sealing is not None
    log = segments.sealing.log.origin
    sql = "SELECT Note FROM audit_checkpoints WHERE LogId = {log:String} ORDER BY SignedAt DESC"
    for file, origin in (("log", log), ("root", ROOT)):
        note = segments.store.arrow(f"{sql} LIMIT 1", {"log": origin})["Note"][0].as_py()
        (folder / name / f"{file}.note").write_text(note)


def _policy(folder: Path, segments: Segments) -> None:
    begun = segments.sealing.signer.notary.begun()  # type: ignore[union-attr]
    root, notary = Verifier.parse(begun.root_vkey), Verifier.parse(begun.notary_vkey)
    (folder / "policy.txt").write_text(policy_text([root], {"notary": notary}, ["notary"]))
    public = folder / "data" / "public"
    (public / "root.vkey").write_text(f"{begun.root_vkey}\n")
    (public / "notary.vkey").write_text(f"{begun.notary_vkey}\n")


def notes_in(folder: Path) -> tuple[tuple[str, bytes], ...]:
    return tuple((file.name, file.read_bytes()) for file in sorted(folder.glob("*.note")))


def _key(path: Path) -> Ed25519PrivateKey:
    return read_key(path)
