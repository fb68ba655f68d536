"""A whole small deployment in memory: a log of records, the root log over it, a notary; made from
numbers, so that everything is the same each time."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from auditspan.integrity.canonical import (
    derived_salt,
    derived_salts,
    fields_digest,
    group_commitment,
    record_digest,
)
from auditspan.integrity.canonical import entry as entry_of
from auditspan.integrity.checkpoint import Checkpoint
from auditspan.integrity.control_entry import Kind, control_entry
from auditspan.integrity.keys import LocalSigner
from auditspan.integrity.merkle import consistency_proof, inclusion_proof, leaf_hash
from auditspan.integrity.note import COSIGNATURE, ED25519, make_note, sign_line
from auditspan.integrity.package import (
    Anchor,
    ControlLine,
    Erased,
    Evidence,
    Hidden,
    LogRange,
    Row,
    Shown,
)
from auditspan.integrity.policy import policy_text
from auditspan.integrity.proof_file import TlogProof
from auditspan.integrity.range_proof import range_proof
from auditspan.integrity.sealed_columns import GROUPS, SCHEMA
from auditspan.integrity.tree import Tree

NAME = "audit.example/auditspan/test"
ORIGIN = f"{NAME}/collector-1/2026-11"
ROOT, NOTARY = f"{NAME}/root", f"{NAME}/notary"
SIGNED_AT = 1_764_090_000
"""Unix seconds of all cosignatures."""
TODAY = SIGNED_AT // 86_400

Values = dict[str, object]


def signer(name: str, type: int = ED25519) -> LocalSigner:
    """A key made of its name."""
    seed = hashlib.sha256(f"{name} {type}".encode()).digest()
    return LocalSigner(name, type, Ed25519PrivateKey.from_private_bytes(seed))


def salt(number: int) -> bytes:
    """Sixteen bytes made of a number."""
    return hashlib.sha256(f"salt {number}".encode()).digest()[:16]


def policy() -> bytes:
    """The auditor's policy: this root log, cosigned by this notary."""
    notary = signer(NOTARY, COSIGNATURE).verifier
    return policy_text([signer(ROOT).verifier], {"notary": notary}, ["notary"]).encode()


def values(number: int, **more: object) -> Values:
    """A record."""
    found: Values = {
        "RecordId": f"record-{number}",
        "RecordKind": "action",
        "Timestamp": 1_764_000_000_000_000_000 + number,
        "AgentId": f"agent:{number % 3}",
        "ConversationId": f"conversation-{number % 5}",
        "PrincipalId": "relay:edge",
        "UserId": f"user-{number}@example.com",
        "ToolName": "refund",
        "ToolArguments": json.dumps({"amount": number, "note": "naïve \U0001f600 \x00"}),
        "SpanAttributes": {"gen_ai.tool.name": "refund", "k\u00e4se": "", "user.id": f"u{number}"},
        "Findings": ["claim.rejected"] if number % 2 else [],
        "Events": [(5, "exception", {"a": "b"})] if number % 4 == 0 else [],
        "Summary": f"=agent {number % 3} refunded",
        "ExpiresOn": TODAY + 400,
        "SealedAt": 1_764_080_000_000_000_000 + number,
    }
    return {**found, **more}


def note_of(origin: str, tree: Tree, size: int | None = None) -> bytes:
    """A checkpoint signed by its log and the notary."""
    end = len(tree) if size is None else size
    text = Checkpoint(origin, end, tree.root(end)).text
    keys = [signer(origin), signer(NOTARY, COSIGNATURE)]
    return make_note(text, [sign_line(text, key, SIGNED_AT) for key in keys])


@dataclass
class Trail:
    """Records and control entries in one log, and what is in the store of them."""

    entries: list[bytes] = field(default_factory=list)
    rows: dict[int, Row] = field(default_factory=dict)
    control: list[ControlLine] = field(default_factory=list)
    signed: list[bytes] = field(default_factory=list)
    """The entries as they were signed, if somebody changed them afterwards."""

    @classmethod
    def of(cls, count: int, **more: object) -> "Trail":
        """A log with this many records."""
        trail = cls()
        trail.say(Kind.LOG_OPEN, {"origin": ORIGIN})
        for number in range(count):
            trail.add(values(number, **more))
        return trail

    def add(self, record: Values) -> int:
        """Seal a record; its index."""
        index = len(self.entries)
        record = {**record, "LogId": ORIGIN, "LogIndex": index}
        day = record["ExpiresOn"]
        assert isinstance(day, int)
        self.entries.append(entry_of(0, day, record_digest(record, salt(index), SCHEMA)))
        self.rows[index] = Shown(record, salt(index))
        return index

    def say(self, kind: Kind, body: Mapping[str, object]) -> int:
        """Seal a control entry."""
        index, text = len(self.entries), json.dumps(body)
        self.entries.append(control_entry(kind, text))
        self.control.append(ControlLine(ORIGIN, index, kind, text))
        return index

    def erase(self, index: int, *groups: str, authorised: bool = True) -> None:
        """Erase groups of a record, or all of it with `*`."""
        if authorised:
            each = {"log": ORIGIN, "index": index, "groups": list(groups)}
            self.say(Kind.ERASE, {"control": "record.erased", "erased": [each]})
        row = self.rows[index]
        assert not isinstance(row, Hidden)
        if "*" in groups:
            del self.rows[index]
            return
        erased = (
            row
            if isinstance(row, Erased)
            else Erased(row.values, derived_salts(row.salt, SCHEMA), {})
        )
        salts, redacted = dict(erased.salts), dict(erased.redacted)
        for group in groups:
            redacted[group] = group_commitment(row.values, salts.pop(group), group, SCHEMA)
        gone = {name for group in groups for name in GROUPS[group]}
        left = {name: value for name, value in row.values.items() if name not in gone}
        self.rows[index] = Erased(left, salts, redacted)

    def hide(self, index: int) -> None:
        """Show only the core of a record."""
        row = self.rows[index]
        assert isinstance(row, Shown)
        core = {c.name: row.values[c.name] for c in SCHEMA.core if c.name in row.values}
        fields = fields_digest(row.values, row.salt, SCHEMA)
        self.rows[index] = Hidden(core, derived_salt(row.salt, "core"), fields)

    def change(self, index: int, **more: object) -> None:
        """What somebody does who edits the store."""
        row = self.rows[index]
        assert isinstance(row, Shown)
        self.rows[index] = replace(row, values={**row.values, **more})

    def evidence(
        self, start: int = 0, end: int | None = None, *, forged: int = 0, revoked: str = ""
    ) -> Evidence:
        """Everything about a range. `forged` entries of the root log are other than they were."""
        tree = Tree(leaf_hash(entry) for entry in (self.signed or self.entries))
        stop = len(tree) if end is None else end
        note, opened, root = note_of(ORIGIN, tree), self.opened(), self.root(tree, forged, revoked)
        size, root_note = len(root), note_of(ROOT, root)
        proofs = [TlogProof(at, inclusion_proof(root.node, at, size), root_note) for at in (0, 2)]
        log = LogRange(
            note,
            proofs[1],
            opened,
            proofs[0],
            range_proof(tree.node, start, stop, len(tree)),
            b"".join(self.entries[start:end]),
        )
        control = [line for line in self.control if end is None or start <= line.index < end]
        if revoked:
            path = inclusion_proof(root.node, 3, size)
            control.append(ControlLine(ROOT, 3, Kind.KEY_REVOKE, revoked, path))
        return Evidence(
            root_note,
            [log],
            control,
            [row for at, row in sorted(self.rows.items()) if end is None or start <= at < end],
            [Anchor("file", note_of(ROOT, root, 2), consistency_proof(root.node, 2, size))],
            complete=True,
        )

    def root(self, tree: Tree | None = None, forged: int = 0, revoked: str = "") -> Tree:
        """The root log: the log's key, an older checkpoint, the newest, a revocation."""
        note = note_of(ORIGIN, tree or Tree(leaf_hash(entry) for entry in self.entries))
        older = f"older {'forged' if forged else ''}"
        bodies = [
            (Kind.LOG_OPEN, self.opened()),
            (Kind.CHECKPOINT, older),
            (Kind.CHECKPOINT, note.decode()),
            *([(Kind.KEY_REVOKE, revoked)] if revoked else []),
        ]
        return Tree(leaf_hash(control_entry(kind, body)) for kind, body in bodies)

    def opened(self) -> str:
        """What the root log says when a log is begun."""
        return json.dumps({"origin": ORIGIN, "reason": "first", "vkey": signer(ORIGIN).vkey})
