"""Signs trees of logs, and never two different ones of one size (https://c2sp.org/tlog-witness).

For each log the largest tree that was signed is known. A larger one is signed only with a proof
that it holds that one, and what is signed is on disk before the signature leaves. The note is
cosigned with time and becomes an entry of the root log, which is signed by a key of its own. Keys
of logs, notary and root log are in one process here; a notary elsewhere would be asked the same
question.
"""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from auditspan.collector.signer.keys import Keys
from auditspan.collector.signer.pinned import Pinned, check_seen
from auditspan.collector.signer.protocol import (
    Answer,
    Begin,
    Begun,
    Head,
    Heads,
    Known,
    Open,
    Opened,
    Question,
    Refused,
    Revoke,
    Revoked,
    Root,
    RootEntry,
    RootPart,
    Sign,
    Signed,
)
from auditspan.collector.signer.root_files import RootFiles
from auditspan.collector.signer.state import LogHead, State, read_state, write_state
from auditspan.integrity.checkpoint import Checkpoint
from auditspan.integrity.control_entry import Kind, control_entry
from auditspan.integrity.errors import ProofInvalid
from auditspan.integrity.merkle import EMPTY_ROOT, Frontier, leaf_hash
from auditspan.integrity.merkle_verify import verify_consistency
from auditspan.integrity.note import COSIGNATURE, ED25519, Signer, make_note, sign_line

OPEN, CLOSED, ABANDONED = "open", "closed", "abandoned"
ROOT, NOTARY = "root", "notary"
_EMPTY: Final = EMPTY_ROOT.hex()


@dataclass(slots=True)
class Notary:
    """Keys, state and root log."""

    begin: Begin
    now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000
    elsewhere: Mapping[str, Signer] = field(default_factory=dict)
    """Keys of the root log and the notary that are no files here."""
    state: State = field(init=False)
    keys: Keys = field(init=False)
    files: RootFiles = field(init=False)
    root_signer: Signer = field(init=False)
    cosigner: Signer = field(init=False)

    def __post_init__(self) -> None:
        folder = Path(self.begin.folder)
        self.keys = Keys(folder, self.begin.passphrase)
        self.state = read_state(folder)
        check_seen(self.begin, self.state, self.root_origin)
        self.files = RootFiles(folder)
        self.files.cut(self.state.root_size, self.state.root_bytes)
        pinned = Pinned(self.keys, self.elsewhere, self.state)
        self.root_signer = pinned.signer(ROOT, self.root_origin, ED25519)
        self.cosigner = pinned.signer(NOTARY, self.notary_name, COSIGNATURE)
        for log in self.state.logs:
            if log.state != OPEN:
                self.keys.destroy(_epoch(log.origin))

    @property
    def root_origin(self) -> str:
        """Name of the root log."""
        return f"{self.begin.deployment}/{ROOT}"

    @property
    def notary_name(self) -> str:
        """Name of the notary's key."""
        return f"{self.begin.deployment}/{NOTARY}"

    def begun(self) -> Begun:
        """Who signs here."""
        return Begun(self.root_signer.vkey, self.cosigner.vkey)

    def answer(self, question: Question) -> Answer:
        """Do what is asked, or say why not."""
        if isinstance(question, Heads):
            return self.heads()
        if isinstance(question, Open):
            return self.open(question)
        if isinstance(question, Sign):
            return self.sign(question)
        if isinstance(question, Root):
            return self.root(question)
        if isinstance(question, Revoke):
            return self.revoke(question)
        return Refused(f"{type(question).__name__} is no question here", retryable=False)

    def heads(self) -> Known:
        """Which logs there are."""
        logs = tuple(
            Head(log.origin, log.size, log.root, log.state, log.vkey, log.reason, log.good)
            for log in self.state.logs
        )
        return Known(logs, self.state.root_size)

    def open(self, question: Open) -> Opened | Refused:
        """Begin a log; one that was begun and has no entry yet is begun again."""
        last = self.state.logs[-1] if self.state.logs else None
        state = self.state
        if last and last.state == OPEN:
            if not question.abandon:
                return Refused(f"log {last.origin} is open: close it first", retryable=False)
            state = state.with_log(replace(last, state=ABANDONED))
        origin = f"{self.begin.deployment}/{self.begin.instance}/{question.epoch}"
        if state.log(origin):
            return Refused(f"log {origin} was there before: choose another name", retryable=False)
        vkey = self.keys.ensure(question.epoch, origin).vkey
        head = LogHead(origin, question.reason, vkey, root=_EMPTY)
        said = {"origin": origin, "reason": question.reason, "vkey": vkey}
        if last:
            said["predecessor"] = last.origin
        bodies = [(int(Kind.LOG_OPEN), _json(said))]
        if self.begin.root_before and not state.root_size:
            # So that the root log before this one cannot be cut off or made anew unseen.
            bodies.append((Kind.CHECKPOINT, self.begin.root_before))
        self._remember(state.with_log(head), bodies)
        if last and last.state == OPEN:
            self.keys.destroy(_epoch(last.origin))
        return Opened(origin, vkey)

    def sign(self, question: Sign) -> Signed | Refused:
        """Sign a tree, if it holds the one that was signed before."""
        head = self.state.log(question.origin)
        if head is None:
            return Refused(f"log {question.origin} was never begun", retryable=False)
        if head.state == ABANDONED:
            return Refused(f"log {head.origin} was given up", retryable=False, size=head.size)
        same = (question.size, question.root) == (head.size, head.root)
        if head.state == CLOSED:
            if not same:
                return Refused(f"log {head.origin} is closed", retryable=False, size=head.size)
            return Signed(head.origin, head.size, head.root, head.note, head.signed_at)
        problem = "" if same else _problem(question, head)
        if problem:
            return Refused(f"log {head.origin}: {problem}", retryable=False, size=head.size)
        return self._signed(question, head)

    def revoke(self, question: Revoke) -> Revoked | Refused:
        """Say in the root log how far a key counts; what was said stays, it can only be less."""
        head = next((log for log in self.state.logs if log.vkey == question.vkey), None)
        if head is None:
            return Refused(f"no log has the key {question.vkey[:200]}", retryable=False)
        if head.state == OPEN:
            return Refused(f"log {head.origin} is open: close it first", retryable=False)
        good = head.size if question.good < 0 else min(question.good, head.size)
        if head.good < 0 or good < head.good:
            said = {"good_until_size": good, "origin": head.origin, "vkey": head.vkey}
            revoked = self.state.with_log(replace(head, good=good))
            self._remember(revoked, [(Kind.KEY_REVOKE, _json(said))])
            return Revoked(head.origin, head.vkey, good)
        return Revoked(head.origin, head.vkey, head.good)

    def root(self, question: Root) -> RootPart:
        """A part of the root log."""
        state = self.state
        end = min(state.root_size, question.first + question.limit)
        bodies = self.files.read(question.first, end)
        entries = tuple(
            RootEntry(index, kind, text)
            for index, (kind, text) in enumerate(bodies, start=question.first)
        )
        root = _tree(state).root().hex()
        return RootPart(
            self.root_origin, entries, state.root_size, root, state.root_note, state.root_signed_at
        )

    def _signed(self, question: Sign, head: LogHead) -> Signed:
        # Before anything is signed, so that no crash leaves a signature that is not remembered.
        head = replace(head, size=question.size, root=question.root)
        self.state = self.state.with_log(head)
        write_state(self.keys.folder, self.state)
        signer = self.keys.read(_epoch(head.origin), head.origin)
        at = self._at()
        note = self._note(Checkpoint(head.origin, head.size, bytes.fromhex(head.root)), signer, at)
        if question.close:
            head = replace(head, state=CLOSED, note=note, signed_at=at)
        self._remember(self.state.with_log(head), [(Kind.CHECKPOINT, note)])
        if question.close:
            self.keys.destroy(_epoch(head.origin))
        return Signed(head.origin, head.size, head.root, note, at)

    def _remember(self, state: State, bodies: list[tuple[int, str]]) -> None:
        """Append to the root log, sign it, and put all that on disk."""
        length = self.files.append(bodies)
        tree = _tree(state).extended(leaf_hash(control_entry(kind, text)) for kind, text in bodies)
        at, checkpoint = self._at(), Checkpoint(self.root_origin, tree.size, tree.root())
        self.state = replace(
            state,
            root_size=tree.size,
            root_tree=tuple(root.hex() for root in tree.roots),
            root_bytes=length,
            root_note=self._note(checkpoint, self.root_signer, at),
            root_signed_at=at,
        )
        write_state(self.keys.folder, self.state)

    def _at(self) -> int:
        """Now, but never before the last signature: a clock that was set back says nothing of
        what was signed since, and would make records look sealed later than they were signed."""
        return max(self.now_ms(), self.state.root_signed_at)

    def _note(self, checkpoint: Checkpoint, signer: Signer, at_ms: int) -> str:
        text = checkpoint.text
        lines = [sign_line(text, signer), sign_line(text, self.cosigner, at_ms // 1000)]
        return make_note(text, lines).decode()


def _problem(question: Sign, head: LogHead) -> str:
    """Why a tree cannot follow the one that was signed; empty if it can."""
    if question.old_size != head.size:
        return f"{head.size} entries were signed, not {question.old_size}"
    if question.size <= head.size:
        return f"another tree of {head.size} entries was signed"
    old, new = bytes.fromhex(head.root), bytes.fromhex(question.root)
    proof = [bytes.fromhex(node) for node in question.proof]
    try:
        verify_consistency(head.size, question.size, old, new, proof)
    except ProofInvalid as error:
        return f"the tree does not hold the one of {head.size} entries that was signed: {error}"
    return ""


def _tree(state: State) -> Frontier:
    return Frontier(state.root_size, tuple(bytes.fromhex(root) for root in state.root_tree))


def _epoch(origin: str) -> str:
    return origin.rpartition("/")[2]


def _json(value: Mapping[str, object]) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
