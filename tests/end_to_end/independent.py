"""Reads and verifies what a log gives out, by code that shares nothing with the code under test.

Notes (https://c2sp.org/signed-note), cosignatures (https://c2sp.org/tlog-cosignature), proofs of
one entry (https://c2sp.org/tlog-proof) and ranges of a tree, written from the specifications.
Signatures are checked by `cryptography`, inclusion and consistency by `scitt-cose`.
"""

import base64
import hashlib
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from scitt_cose import merkle  # type: ignore[import-untyped]


@dataclass(frozen=True)
class Note:
    """A checkpoint with the names that have signed it."""

    origin: str
    size: int
    root: str
    signed: Mapping[str, int]
    """By name of the key, the time of its cosignature, 0 for a plain signature."""


def keys_of(*vkeys: str) -> dict[tuple[str, bytes], tuple[int, bytes]]:
    """Public keys by name and key id."""
    found = {}
    for vkey in vkeys:
        name, id, data = vkey.split("+", 2)
        raw = base64.b64decode(data)
        digest = hashlib.sha256(name.encode() + b"\n" + raw).digest()
        assert digest[:4].hex() == id, vkey
        found[name, digest[:4]] = raw[0], raw[1:]
    return found


def read_note(data: bytes, keys: Mapping[tuple[str, bytes], tuple[int, bytes]]) -> Note:
    """A note all of whose signatures are by these keys, and hold."""
    end = data.rindex(b"\n\n") + 1
    text, lines = data[:end], data[end + 1 :].decode().splitlines()
    signed: dict[str, int] = {}
    for line in lines:
        dash, name, signature = line.split(" ")
        raw = base64.b64decode(signature)
        kind, public = keys[name, raw[:4]]
        message, at = text, 0
        if kind == 4:
            at = int.from_bytes(raw[4:12], "big")
            message = b"cosignature/v1\ntime %d\n" % at + text
        assert dash == "\N{EM DASH}" and len(raw) == {1: 68, 4: 76}[kind]
        Ed25519PublicKey.from_public_bytes(public).verify(raw[-64:], message)
        signed[name] = at
    origin, size, root = text.decode().splitlines()
    return Note(origin, int(size), base64.b64decode(root).hex(), signed)


@dataclass(frozen=True)
class Proof:
    """What a file of one entry says."""

    index: int
    path: list[str]
    entry: bytes
    note: bytes


def read_proof(data: bytes) -> Proof:
    """A proof of one entry, whose extra data is the entry."""
    head, note = data.split(b"\n\n", 1)
    first, *lines = head.decode().splitlines()
    assert first == "c2sp.org/tlog-proof@v1"
    entry = b""
    if lines[0].startswith("extra "):
        entry = base64.b64decode(lines.pop(0)[6:])
    word, index = lines.pop(0).split(" ")
    assert word == "index"
    return Proof(int(index), [base64.b64decode(line).hex() for line in lines], entry, note)


def included(proof: Proof, entry: bytes, note: Note) -> bool:
    """Whether an entry is in the tree of a note."""
    made = merkle.root_from_inclusion_proof(entry.hex(), proof.index, note.size, proof.path)
    return bool(made == note.root)


def consistent(old: Note, new: Note, path: list[str]) -> bool:
    """Whether a tree holds another one."""
    return bool(merkle.verify_consistency(old.root, new.root, old.size, new.size, path))


def range_root(log: Mapping[str, Any], entries: bytes, size: int) -> str:
    """Root of a tree, of the entries of a range and of subtrees beside it."""
    known = {(start, start + width): bytes.fromhex(root)
             for start, width, root in (*log["left"], *log["right"])}  # fmt: skip
    first = log["start"]

    def hashed(start: int, end: int) -> bytes:
        if (start, end) in known:
            return known[start, end]
        if end - start == 1:
            at = 38 * (start - first)
            assert 0 <= at < len(entries)
            return hashlib.sha256(b"\0" + entries[at : at + 38]).digest()
        half = 1 << ((end - start - 1).bit_length() - 1)
        both = hashed(start, start + half) + hashed(start + half, end)
        return hashlib.sha256(b"\1" + both).digest()

    return hashed(0, size).hex()


def control(kind: int, body: str) -> bytes:
    """The entry of what is no record."""
    content = hashlib.sha256(b"auditspan/control/v1\n" + body.encode()).digest()
    return bytes([1, kind, 0, 0, 0, 0]) + content


def check_package(path: Path, policy: str) -> list[Note]:
    """All proofs of a package; the notes of its logs."""
    words = [line.split() for line in policy.splitlines()]
    trusted = keys_of(*(line[-1] for line in words if line and line[0] in ("log", "witness")))
    notes = []
    with zipfile.ZipFile(path) as package:
        proof = json.loads(package.read("proof.json"))
        root_note = package.read(proof["root"]["note"])
        root = read_note(root_note, trusted)
        seals, at = package.read("seals.bin"), 0
        for log in proof["logs"]:
            opened = read_proof(package.read(log["opened_proof"]))
            held = read_proof(package.read(log["note_proof"]))
            data = package.read(log["note"])
            assert opened.note == held.note == root_note
            assert included(opened, control(1, log["opened"]), root)
            assert included(held, control(16, data.decode()), root)
            note = read_note(data, {**trusted, **keys_of(json.loads(log["opened"])["vkey"])})
            entries = seals[at : at + 38 * log["count"]]
            at += len(entries)
            assert range_root(log, entries, note.size) == note.root
            notes.append(note)
        assert at == len(seals)
        for anchor in proof["root"]["anchors"]:
            assert consistent(read_note(package.read(anchor["note"]), trusted), root,
                              anchor["hashes"])  # fmt: skip
    return notes
