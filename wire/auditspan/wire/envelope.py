"""One frame of the spool: a varint length and an `Envelope` message.

The request is a `bytes` field here and a message to ClickHouse, which reads the same file with its
`Protobuf` format: the two are the same on the wire (https://protobuf.dev/programming-guides/encoding/).
A client's bytes are the content of one field and cannot reach another.
"""

import struct
import zlib
from dataclasses import dataclass
from typing import Final, Protocol, cast

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError, Message

from auditspan.wire.errors import FrameInvalid
from auditspan.wire.varint import encode_varint

VERSION: Final = 2
"""Version of the frame; another one is refused, not guessed at."""

_PAYLOAD_ONLY: Final = 1
"""Written before: its checksum covers the payload and nothing else."""

OTLP_TRACES: Final = 1
"""Kind of a frame that holds an ExportTraceServiceRequest."""

CONTROL: Final = 2
"""Kind of a frame that holds a control record, as JSON."""

_REQUEST_TAG: Final = encode_varint(16 << 3 | 2)
"""What stands before the length of a request."""

_Field = descriptor_pb2.FieldDescriptorProto
_FIELDS = (
    ("version", 1, _Field.TYPE_UINT32),
    ("kind", 2, _Field.TYPE_UINT32),
    ("received_at", 3, _Field.TYPE_FIXED64),
    ("request_digest", 4, _Field.TYPE_STRING),
    ("principal", 5, _Field.TYPE_STRING),
    ("crc", 6, _Field.TYPE_FIXED32),
    ("request", 16, _Field.TYPE_BYTES),
    ("control", 17, _Field.TYPE_STRING),
)


@dataclass(frozen=True, slots=True)
class Envelope:
    """One request or control record, with what the collector knows of it."""

    kind: int
    """`OTLP_TRACES` or `CONTROL`."""
    received_at: int
    """Unix nanoseconds."""
    request_digest: str
    """`sha256:<hex>` of the bytes as received, after decompression."""
    principal: str
    """Who sent it, as JSON."""
    request: bytes = b""
    """The request, of kind `OTLP_TRACES`."""
    control: str = ""
    """The control record, of kind `CONTROL`."""


class _Message(Protocol):
    """What the descriptor below makes; no generated code exists for it."""

    version: int
    kind: int
    received_at: int
    request_digest: str
    principal: str
    crc: int
    request: bytes
    control: str

    def SerializeToString(self) -> bytes: ...
    def ParseFromString(self, serialized: bytes) -> int: ...


def _message_class() -> type[Message]:
    file = descriptor_pb2.FileDescriptorProto(
        name="auditspan/envelope.proto", package="auditspan", syntax="proto3"
    )
    message = file.message_type.add(name="Envelope")
    for name, number, kind in _FIELDS:
        message.field.add(name=name, number=number, type=kind, label=_Field.LABEL_OPTIONAL)
    # A pool of its own: the default one belongs to the whole process.
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("auditspan.Envelope"))


_ENVELOPE = _message_class()


def _new() -> _Message:
    return cast(_Message, _ENVELOPE())


def frame(envelope: Envelope) -> bytes:
    """The bytes of one frame, its length in front."""
    message = _new()
    message.version = VERSION
    message.kind = envelope.kind
    message.received_at = envelope.received_at
    message.request_digest = envelope.request_digest
    message.principal = envelope.principal
    message.crc = _crc(envelope, VERSION)
    message.control = envelope.control
    head = message.SerializeToString()
    # A request is large, and so copied once; a frame has a request or a control record.
    request = envelope.request
    if request:
        head += _REQUEST_TAG + encode_varint(len(request))
    return b"".join((encode_varint(len(head) + len(request)), head, request))


def parse(message: bytes) -> Envelope:
    """Read the message of a frame, without its length. Raises `FrameInvalid`."""
    read = _new()
    try:
        read.ParseFromString(message)
    except DecodeError as error:
        raise FrameInvalid(f"frame: expected an envelope message: {error}") from error
    if read.version not in (VERSION, _PAYLOAD_ONLY):
        raise FrameInvalid(
            f"frame: expected version {VERSION}, found {read.version}: "
            "read it with the release that wrote it"
        )
    envelope = Envelope(
        *(read.kind, read.received_at, read.request_digest, read.principal),
        *(read.request, read.control),
    )
    return _checked(envelope, read.crc, read.version)


def _crc(envelope: Envelope, version: int) -> int:
    """Of all that the frame says: a changed sender is worse than a changed request."""
    if version == _PAYLOAD_ONLY:
        return zlib.crc32(_payload(envelope))
    texts = (envelope.request_digest.encode(), envelope.principal.encode())
    head = struct.pack("<QQII", envelope.kind, envelope.received_at, *map(len, texts))
    return zlib.crc32(_payload(envelope), zlib.crc32(head + b"".join(texts)))


def _payload(envelope: Envelope) -> bytes:
    return envelope.control.encode() if envelope.kind == CONTROL else envelope.request


def _checked(envelope: Envelope, crc: int, version: int) -> Envelope:
    if envelope.kind not in (OTLP_TRACES, CONTROL):
        raise FrameInvalid(
            f"frame: expected kind {OTLP_TRACES} or {CONTROL}, found {envelope.kind}"
        )
    if envelope.request if envelope.kind == CONTROL else envelope.control:
        raise FrameInvalid(f"frame: kind {envelope.kind} with the payload of another kind")
    found = _crc(envelope, version)
    if found != crc:
        raise FrameInvalid(f"frame: expected crc {crc:08x}, found {found:08x}: the frame is torn")
    return envelope
