"""The canonical form and the Merkle tree once more, written from the documents and RFC 6962
as plainly as can be, and with no code of the package."""

import hashlib
import struct
from collections.abc import Mapping, Sequence


def h(*parts: bytes) -> bytes:
    """SHA-256."""
    return hashlib.sha256(b"".join(parts)).digest()


def ns(data: bytes) -> bytes:
    """Netstring."""
    return str(len(data)).encode() + b":" + data + b","


def value(kind: str, it: object) -> bytes:
    """Canonical value."""
    if it is None or it == "" or it == [] or it == {}:
        return b""
    if kind == "int":
        return b"" if it == 0 else str(it).encode()
    if kind == "string":
        assert isinstance(it, str)
        return it.encode()
    if kind == "strings":
        assert isinstance(it, list)
        return b"".join(ns(item.encode()) for item in it)
    if kind == "map":
        pairs = it.items() if isinstance(it, dict) else it
        encoded = [(k.encode(), v.encode()) for k, v in pairs]  # type: ignore[attr-defined]
        return b"".join(ns(k) + ns(v) for k, v in sorted(encoded))
    kinds = kind[1:-1].split(",")
    made = b""
    assert isinstance(it, Sequence)
    for item in it:
        inner = b""
        for part, kind_of in zip(item, kinds, strict=True):
            inner += ns(str(part).encode() if kind_of == "int" else value(kind_of, part))
        made += ns(inner)
    return made


def text(kinds: Mapping[str, str], values: Mapping[str, object]) -> bytes:
    """What a digest covers of some columns."""
    made = b""
    for name in sorted(kinds):
        data = value(kinds[name], values.get(name))
        if data:
            made += ns(name.encode()) + ns(data)
    return made


def content(
    groups: Mapping[str, Mapping[str, str]], values: Mapping[str, object], s: bytes
) -> bytes:
    """Content digest of a record."""

    def salt(group: str) -> bytes:
        return h(b"auditspan/salt/v1\n", s, group.encode())[:16]

    core = h(b"auditspan/core/v1\n", salt("core"), text(groups["core"], values))
    fields = b""
    for group in sorted(set(groups) - {"core"}):
        covered = text(groups[group], values)
        if covered:
            framed = ns(group.encode())
            fields += framed + h(b"auditspan/field/v1\n", salt(group), framed, covered)
    return h(b"auditspan/record/v1\n", core, h(b"auditspan/fields/v1\n", fields))


def entry(kind: int, day: int, digest: bytes) -> bytes:
    """Entry of a log."""
    return b"\x01" + bytes([kind]) + struct.pack(">I", day) + digest


def mth(entries: Sequence[bytes]) -> bytes:
    """RFC 6962 §2.1."""
    if len(entries) < 2:
        return h(b"\x00", entries[0]) if entries else h()
    k = split(len(entries))
    return h(b"\x01", mth(entries[:k]), mth(entries[k:]))


def path(m: int, entries: Sequence[bytes]) -> list[bytes]:
    """RFC 6962 §2.1.1."""
    if len(entries) == 1:
        return []
    k = split(len(entries))
    if m < k:
        return [*path(m, entries[:k]), mth(entries[k:])]
    return [*path(m - k, entries[k:]), mth(entries[:k])]


def proof(m: int, entries: Sequence[bytes], b: bool = True) -> list[bytes]:
    """RFC 6962 §2.1.2."""
    if m == len(entries):
        return [] if b else [mth(entries)]
    k = split(len(entries))
    if m <= k:
        return [*proof(m, entries[:k], b), mth(entries[k:])]
    return [*proof(m - k, entries[k:], False), mth(entries[:k])]


def split(n: int) -> int:
    """Largest power of two below n."""
    k = 1
    while 2 * k < n:
        k *= 2
    return k
