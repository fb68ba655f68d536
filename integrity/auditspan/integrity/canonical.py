"""From the values of a record to its 38-byte entry (docs/integrity-format.md §4).

A record's content is the digest of one salted digest of its core and one salted commitment for each
erasable group that is not empty. An erased group keeps its commitment, so the content stays.
"""

import hashlib
import struct
from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias

from auditspan.integrity.errors import ValueInvalid
from auditspan.integrity.seal_schema import CORE, SealColumn, SealSchema
from auditspan.integrity.values import encoder, netstring

SALT_BYTES: Final = 16
HASH_BYTES: Final = 32
ENTRY_BYTES: Final = 38
RECORD: Final = 0
"""Kind of an entry that is a record; `control_entry.py` has the others."""

_SALT, _FIELD = b"auditspan/salt/v1\n", b"auditspan/field/v1\n"
_CORE_TAG, _FIELDS = b"auditspan/core/v1\n", b"auditspan/fields/v1\n"
_RECORD = b"auditspan/record/v1\n"
_CORE_NAME = CORE.encode()
_DAYS: Final = 2**32

Values: TypeAlias = Mapping[str, object]
"""Values by column: times as Unix nanoseconds, dates as days, maps as mappings or pairs, lists of
tuples as sequences of sequences. A column that is missing has its default."""


def derived_salt(record_salt: bytes, group: str) -> bytes:
    """The salt of a group, or of the core."""
    return hashlib.sha256(_SALT + record_salt + group.encode()).digest()[:SALT_BYTES]


def derived_salts(record_salt: bytes, schema: SealSchema) -> dict[str, bytes]:
    """The salts of the core and of every group: what is kept of a record's salt at an erasure."""
    names = (CORE, *(group.name for group in schema.groups))
    return {name: derived_salt(record_salt, name) for name in names}


def group_commitment(values: Values, salt: bytes, group: str, schema: SealSchema) -> bytes:
    """The commitment to a group under the group's own salt; `b""` if the group is empty."""
    columns = next(found.columns for found in schema.groups if found.name == group)
    return _commitment(group, _text(columns, values), salt)


def record_digest(values: Values, record_salt: bytes, schema: SealSchema) -> bytes:
    """The content of a record of which nothing was erased. Raises `ValueInvalid`."""
    if len(record_salt) != SALT_BYTES:
        raise ValueInvalid(f"the salt has {len(record_salt)} bytes, expected {SALT_BYTES}")
    texts = [(group.name.encode(), _text(group.columns, values)) for group in schema.groups]
    present = [(name, netstring(name), text) for name, text in texts if text]
    return _content(_SALT + record_salt, _text(schema.core, values), present)


def erased_digest(
    values: Values, salts: Mapping[str, bytes], redacted: Mapping[str, bytes], schema: SealSchema
) -> bytes:
    """The content of a record of which groups were erased.

    `salts` holds what is left, by group and `core`; `redacted` the commitments of erased groups,
    which go before anything that stands in the group again. Raises `ValueInvalid`, also for a group
    that has values and no salt.
    """
    core = hashlib.sha256(_CORE_TAG + _salt_of(salts, CORE) + _text(schema.core, values)).digest()
    fields = []
    for group in schema.groups:
        commitment = redacted.get(group.name, b"")
        if commitment and len(commitment) != HASH_BYTES:
            raise ValueInvalid(f"commitment of {group.name}: {len(commitment)} bytes, expected 32")
        text = b"" if commitment else _text(group.columns, values)
        if text:
            commitment = _commitment(group.name, text, _salt_of(salts, group.name))
        if commitment:
            fields.append(netstring(group.name.encode()) + commitment)
    return content(core, hashlib.sha256(_FIELDS + b"".join(fields)).digest())


def fields_digest(values: Values, record_salt: bytes, schema: SealSchema) -> bytes:
    """What a record's content holds of its groups: shown instead of them in proofs of absence."""
    fields = []
    for group in schema.groups:
        salt = derived_salt(record_salt, group.name)
        commitment = _commitment(group.name, _text(group.columns, values), salt)
        fields.append(netstring(group.name.encode()) + commitment if commitment else b"")
    return hashlib.sha256(_FIELDS + b"".join(fields)).digest()


def core_digest(values: Values, core_salt: bytes, schema: SealSchema) -> bytes:
    """The digest of the core under the core's own salt."""
    return hashlib.sha256(_CORE_TAG + core_salt + _text(schema.core, values)).digest()


def content(core: bytes, fields: bytes) -> bytes:
    """The content digest, of the core's and the groups'."""
    return hashlib.sha256(_RECORD + core + fields).digest()


def entry(kind: int, expires_on: int, content: bytes, *, version: int = 1) -> bytes:
    """The 38 bytes that are a leaf of the log: version, kind, day, content.

    `expires_on` counts days since 1970-01-01; 0 means never. Raises `ValueInvalid`.
    """
    if not 0 <= expires_on < _DAYS or len(content) != HASH_BYTES:
        raise ValueInvalid(f"entry with day {expires_on} and {len(content)} bytes of content")
    return struct.pack(">BBI", version, kind, expires_on) + content


def record_entries(
    columns: Mapping[str, Sequence[object]], salts: bytes, schema: SealSchema
) -> bytes:
    """The entries of many records, 38 bytes each, from their columns.

    `salts` holds 16 bytes for each; the days of expiry are those of `ExpiresOn`. A column that is
    missing has its default in every record. Raises `ValueInvalid`.
    """
    count = len(salts) // SALT_BYTES
    core = _texts(schema.core, columns, count)
    groups = [
        (group.name.encode(), netstring(group.name.encode()), _texts(group.columns, columns, count))
        for group in schema.groups
    ]
    days = columns.get("ExpiresOn") or [0] * count
    made = []
    for place, (text, day) in enumerate(zip(core, days, strict=True)):
        salted = _SALT + salts[place * SALT_BYTES : (place + 1) * SALT_BYTES]
        present = [(name, framed, texts[place]) for name, framed, texts in groups if texts[place]]
        made.append(_head(schema.version, day) + _content(salted, text, present))
    return b"".join(made)


def _content(salted: bytes, core: bytes, groups: Sequence[tuple[bytes, bytes, bytes]]) -> bytes:
    """The content of one record, from the texts of its core and of the groups that it has."""
    sha256 = hashlib.sha256
    fields = [_FIELDS]
    for name, framed, text in groups:
        salt = sha256(salted + name).digest()[:SALT_BYTES]
        fields += framed, sha256(_FIELD + salt + framed + text).digest()
    core_salt = sha256(salted + _CORE_NAME).digest()[:SALT_BYTES]
    core_digest = sha256(_CORE_TAG + core_salt + core).digest()
    return sha256(_RECORD + core_digest + sha256(b"".join(fields)).digest()).digest()


def _texts(
    members: Sequence[SealColumn], columns: Mapping[str, Sequence[object]], count: int
) -> list[bytes]:
    """What the digest of these columns covers, of each record."""
    found = [(column, columns[column.name]) for column in members if column.name in columns]
    for column, values in found:
        if len(values) != count:
            raise ValueInvalid(f"{column.name}: {len(values)} values, but {count} salts")
    framed = [_framed(column, values) for column, values in found]
    if len(framed) == 1:
        return framed[0]
    return [b"".join(row) for row in zip(*framed, strict=True)] if framed else [b""] * count


def _framed(column: SealColumn, values: Sequence[object]) -> list[bytes]:
    """Name and value of a column in each record, empty where it has its default."""
    name, encode = netstring(column.name.encode()), encoder(column.kind)
    if column.kind in ("string", "int"):
        # Most columns repeat few values.
        known = {value: _member(name, encode(value)) for value in set(values)}
        return [known[value] for value in values]
    return [b"" if value is None else _member(name, encode(value)) for value in values]


def _member(name: bytes, data: bytes) -> bytes:
    return b"%b%d:%b," % (name, len(data), data) if data else b""


def _head(version: int, day: object) -> bytes:
    if not isinstance(day, int | None) or not 0 <= (day or 0) < _DAYS:
        raise ValueInvalid(f"ExpiresOn: expected days since 1970-01-01, got {day!r}")
    return struct.pack(">BBI", version, RECORD, day or 0)


def _text(columns: Sequence[SealColumn], values: Values) -> bytes:
    """Name and value of each column that is not the default."""
    return b"".join(
        _member(netstring(column.name.encode()), encoder(column.kind)(values.get(column.name)))
        for column in columns
    )


def _commitment(group: str, text: bytes, salt: bytes) -> bytes:
    if not text:
        return b""
    return hashlib.sha256(_FIELD + salt + netstring(group.encode()) + text).digest()


def _salt_of(salts: Mapping[str, bytes], name: str) -> bytes:
    salt = salts.get(name, b"")
    if len(salt) != SALT_BYTES:
        raise ValueInvalid(f"salt of {name}: {len(salt)} bytes, expected {SALT_BYTES}")
    return salt
