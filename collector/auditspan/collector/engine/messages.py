"""What front and engine tell each other: one JSON object a line, over the child's stdin and stdout.

front → engine   `Start` once, then `SegmentClosed` and `Answered`; `Pause`, and then `GoOn`;
                 `Finish` means: finish and exit
engine → front   `Ready`, then `BatchStored` or `BatchFailed` per segment, `Warned` and `Asked` at
                 any time, `Paused` for a `Pause`; `GaveUp` before it ends for good

What the engine asks is for the signing process (`auditspan.collector.signer.protocol`), which it
cannot reach itself. The end of stdin without `Finish` means that front has died: what is signed
already is finished, and the rest waits for the next start.

The pipe is the only way by which the engine gets the keys it hashes with; they are in no file and
no environment variable that the engine process could be made to read by SQL.
"""

import base64
import json
from dataclasses import asdict, dataclass, field
from typing import Any, Final

LONGEST_PAUSE: Final = 60.0
"""Seconds after which the engine goes on if front does not say `Pause` again, or `GoOn`."""


@dataclass(frozen=True, slots=True)
class Start:
    """All the engine needs to begin."""

    data_dir: str
    config: dict[str, Any]
    """The collector's configuration as JSON, checked again on arrival."""
    hmac_key: bytes
    """Keys the hashes of arguments, results and data subjects."""
    statement_keys: dict[str, Any]
    """JWKS of the keys that sign identity statements; public halves only."""
    socket: str
    """Where the engine answers queries: a unix socket in a folder only we can enter."""
    instance: str = ""
    """This collector's id, which names its logs."""
    recover: bool = False
    """Begin a new log if the one there cannot be continued."""


@dataclass(frozen=True, slots=True)
class SegmentClosed:
    """A spool segment is complete and may be processed."""

    name: str


@dataclass(frozen=True, slots=True)
class Answered:
    """What the signing process says to a question of the engine."""

    number: int
    """The question's."""
    answer: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Pause:
    """Hold still and freeze the store, for a backup (`pausing.py`); again: go on holding still."""

    name: str
    """Letters and digits."""


@dataclass(frozen=True, slots=True)
class GoOn:
    """What was to be copied in a pause is."""


@dataclass(frozen=True, slots=True)
class Finish:
    """No segment comes any more: process what is there, then exit."""


@dataclass(frozen=True, slots=True)
class Ready:
    """The store is open and migrated; what was left over is processed first."""

    backlog: int
    recent: list[list[Any]] = field(default_factory=list)
    """`[request digest, principal id, received at ns]` of the last minutes, for retransmissions."""


@dataclass(frozen=True, slots=True)
class BatchStored:
    """A batch is in the store with its full count."""

    batch_id: str
    records: int
    dead_letters: int
    controls: int
    oldest_received_at: int
    seconds: dict[str, float]
    """CPU seconds by stage."""


@dataclass(frozen=True, slots=True)
class BatchFailed:
    """A batch could not be stored now; it stays in the spool and is tried again."""

    batch_id: str
    reason: str
    retry_in: float
    permanent: bool = False
    """Whether trying again is no use by itself."""


@dataclass(frozen=True, slots=True)
class Warned:
    """Something an operator should read."""

    message: str


@dataclass(frozen=True, slots=True)
class Asked:
    """A question for the signing process."""

    number: int
    """Grows from question to question."""
    question: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Paused:
    """Nothing changes until `GoOn`, and the store is frozen."""

    name: str
    """As it was asked."""
    store: str
    """`embedded` or `server`; of a server nothing is frozen."""
    tables: dict[str, str]
    """Ids of frozen tables by name."""
    migrations: dict[str, str]
    """Checksums of the store's migrations by number."""
    log: str
    """Origin of the open log; empty if records are not sealed."""
    size: int
    """Its entries, all of them signed and stored."""
    refused: str = ""
    """Why there is no pause; empty if there is one."""


@dataclass(frozen=True, slots=True)
class GaveUp:
    """The engine ends, and a new one would end as well: an operator has to decide."""

    reason: str


ToEngine = Start | SegmentClosed | Answered | Pause | GoOn | Finish
FromEngine = Ready | BatchStored | BatchFailed | Warned | Asked | Paused | GaveUp
Message = ToEngine | FromEngine

_TYPES: Final = {
    cls.__name__: cls
    for cls in (
        Start, SegmentClosed, Answered, Pause, GoOn, Finish, Ready, BatchStored, BatchFailed,
        Warned, Asked, Paused, GaveUp,
    )
}  # fmt: skip


def encode(message: Message) -> bytes:
    """One line."""
    body = asdict(message)
    if isinstance(message, Start):
        body["hmac_key"] = base64.b64encode(message.hmac_key).decode()
    return json.dumps({"type": type(message).__name__, **body}).encode() + b"\n"


def decode(line: bytes) -> Message:
    """Read one line. Raises `ValueError` if it is not one of the messages."""
    body = json.loads(line)
    if not isinstance(body, dict):
        raise ValueError(f"expected an object, got {line[:80]!r}")
    cls = _TYPES.get(body.pop("type", ""))
    if cls is None:
        raise ValueError(f"message of unknown type in {line[:80]!r}")
    if cls is Start:
        body["hmac_key"] = base64.b64decode(body["hmac_key"])
    try:
        message: Message = cls(**body)
    except TypeError as error:
        raise ValueError(f"message {cls.__name__}: {error}") from error
    return message
