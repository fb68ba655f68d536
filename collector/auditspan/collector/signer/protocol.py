"""What the signing process is asked, and what it answers: one JSON object a line.

Front starts it with `Begin` and passes the engine's questions on; it does not read them. A question
has one answer; what cannot be done is answered with `Refused`.

    Begin                  → Begun       keys are there, logs are known
    Heads                  → Known       what was signed last
    Open                   → Opened      a new log, its first key, an entry in the root log
    Sign                   → Signed      a larger tree of a log, or the same one again
    Root                   → RootPart    entries of the root log
    Revoke                 → Revoked     an entry of the root log that a key counts no more

"Root log" is the log of all checkpoints that this notary has cosigned; it is signed by a key of its
own (docs/integrity-format.md).
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final, get_args


@dataclass(frozen=True, slots=True)
class Program:
    """A program that signs with a key kept elsewhere."""

    key: str
    """Which key it has: `root` or `notary`."""
    vkey: str
    """Its public key, which every signature is checked against."""
    arguments: Sequence[str]
    """Program and arguments."""
    seconds: float
    """Longest wait for a signature."""
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    """All of its environment."""


@dataclass(frozen=True, slots=True)
class Begin:
    """The first line: where the keys lie, and how logs are named."""

    folder: str
    """The only folder that the process may read and write."""
    deployment: str
    """`<domain>/auditspan/<deployment>`: the beginning of the names of root log and notary."""
    instance: str
    """This collector; a log's origin is `<deployment>/<instance>/<epoch>`."""
    passphrase: str = field(default="", repr=False)
    """Of the files of keys."""
    programs: tuple[Program, ...] = ()
    """Keys that are no files here."""
    root_seen: int = 0
    """Entries of the root log by the newest note of it that front has kept."""
    root_before: str = ""
    """The last note of another deployment's root log over the same records, if front has one."""


@dataclass(frozen=True, slots=True)
class Begun:
    """Ready to sign."""

    root_vkey: str
    """Public key of the root log, as https://c2sp.org/signed-note has it."""
    notary_vkey: str
    """Public key of the notary's cosignatures."""
    warning: str = ""
    """What the kernel could not confine."""


@dataclass(frozen=True, slots=True)
class Heads:
    """Which logs are there."""


@dataclass(frozen=True, slots=True)
class Head:
    """The largest tree of a log that was signed."""

    origin: str
    size: int
    root: str
    """Hash in hex."""
    state: str
    """`open`, `closed`, or `abandoned`: behind a restored store, never signed again."""
    vkey: str
    """Public key of its checkpoints."""
    reason: str
    """Why it was begun."""
    good: int = -1
    """How many entries its key counts for, once it is revoked."""


@dataclass(frozen=True, slots=True)
class Known:
    """All logs of this instance, the oldest first."""

    logs: tuple[Head, ...]
    root_size: int
    """Entries of the root log."""


@dataclass(frozen=True, slots=True)
class Open:
    """Begin a log. The one before must be closed, or is abandoned by this."""

    epoch: str
    reason: str
    """`first`, `next` or `recovered`."""
    abandon: bool = False
    """Give up the open log, whose entries are lost."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A log that is ready for its first entry."""

    origin: str
    vkey: str


@dataclass(frozen=True, slots=True)
class Sign:
    """Sign a tree that holds the one signed before, or that one again with the time of now."""

    origin: str
    old_size: int
    """The size that `proof` begins at."""
    size: int
    root: str
    proof: tuple[str, ...]
    """Consistency proof from `old_size` to `size`, hashes in hex."""
    close: bool = False
    """This is the last tree of the log: its key is destroyed."""


@dataclass(frozen=True, slots=True)
class Revoke:
    """The key of a log that is not open counts no more beyond a size."""

    vkey: str
    good: int
    """How many entries it still counts for; -1 is all that it has signed."""


@dataclass(frozen=True, slots=True)
class Revoked:
    """The root log says so."""

    origin: str
    vkey: str
    good: int


@dataclass(frozen=True, slots=True)
class RootEntry:
    """An entry of the root log with its body."""

    index: int
    kind: int
    body: str


@dataclass(frozen=True, slots=True)
class RootPart:
    """Entries of the root log from an index on, and its newest checkpoint."""

    origin: str
    entries: tuple[RootEntry, ...]
    size: int
    root: str
    note: str
    """Signed note of the whole root log, cosigned with time; empty while it has no entry."""
    signed_at: int
    """Unix milliseconds."""


@dataclass(frozen=True, slots=True)
class Root:
    """Ask for entries of the root log."""

    first: int
    limit: int = 1000


@dataclass(frozen=True, slots=True)
class Signed:
    """A signed note."""

    origin: str
    size: int
    root: str
    note: str
    """Signed by the log's key, cosigned with time by the notary."""
    signed_at: int
    """Unix milliseconds, of the cosignature."""


@dataclass(frozen=True, slots=True)
class Refused:
    """What was asked is not done."""

    reason: str
    """Why, in one sentence."""
    retryable: bool
    """Whether asking again later may help."""
    size: int = -1
    """The size that the signer knows, if that is what does not fit."""


Question = Begin | Heads | Open | Sign | Root | Revoke
Answer = Begun | Known | Opened | Signed | RootPart | Revoked | Refused

_TYPES: Final = {cls.__name__: cls for cls in (*get_args(Question), *get_args(Answer))}
_NESTED: Final = {"logs": Head, "entries": RootEntry, "programs": Program}


def to_body(message: Question | Answer) -> dict[str, Any]:
    """As JSON takes it."""
    return {"type": type(message).__name__, **asdict(message)}


def from_body(body: object) -> Question | Answer:
    """Read one back. Raises `ValueError` if it is none of these."""
    if not isinstance(body, dict):
        raise ValueError(f"expected an object, got {type(body).__name__}")
    values = dict(body)
    cls = _TYPES.get(values.pop("type", ""))
    if cls is None:
        raise ValueError(f"message of unknown type in {str(body)[:80]!r}")
    for name, value in values.items():
        if isinstance(value, list):
            nested = _NESTED.get(name)
            values[name] = tuple(nested(**each) if nested else each for each in value)
    try:
        message: Question | Answer = cls(**values)
    except TypeError as error:
        raise ValueError(f"message {cls.__name__}: {error}") from error
    return message


def encode(message: Question | Answer) -> bytes:
    """One line."""
    return json.dumps(to_body(message)).encode() + b"\n"


def decode(line: bytes) -> Question | Answer:
    """Read one line. Raises `ValueError`."""
    return from_body(json.loads(line))
