"""Frames: what goes in comes out, and what was changed does not."""

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditspan.wire.envelope import CONTROL, OTLP_TRACES, Envelope, frame, parse
from auditspan.wire.errors import FrameInvalid
from auditspan.wire.varint import decode_varint, encode_varint

DIGEST = "sha256:" + "0" * 64
PRINCIPAL = '{"id":"agent:booking","kind":"agent"}'
RECEIVED_AT = 1_795_000_000_123_456_789


def message(framed: bytes) -> bytes:
    """A frame without its length."""
    length, width = decode_varint(framed)
    assert len(framed) == length + width
    return framed[width:]


def by_hand(kind: int, field: int, body: bytes, version: int = 2) -> bytes:
    """The frame that the tests of storage read in ClickHouse."""
    text = bytes([8, version, 16, kind]) + b"\x19" + RECEIVED_AT.to_bytes(8, "little")
    for number, value in ((4, DIGEST.encode()), (5, PRINCIPAL.encode())):
        text += bytes([number << 3 | 2, len(value)]) + value
    covered = body
    if version == 2:
        numbers = (kind, 8), (RECEIVED_AT, 8), (len(DIGEST), 4), (len(PRINCIPAL), 4)
        covered = b"".join(number.to_bytes(width, "little") for number, width in numbers)
        covered += DIGEST.encode() + PRINCIPAL.encode() + body
    text += b"\x35" + zlib.crc32(covered).to_bytes(4, "little")
    text += encode_varint(field << 3 | 2) + encode_varint(len(body)) + body
    return encode_varint(len(text)) + text


def test_frame_of_a_request_is_byte_for_byte_what_storage_reads() -> None:
    """Fields in order of number, the request in field 16."""
    envelope = Envelope(OTLP_TRACES, RECEIVED_AT, DIGEST, PRINCIPAL, b"\x0a\x00" * 100)
    assert frame(envelope) == by_hand(1, 16, b"\x0a\x00" * 100)


def test_frame_of_a_control_record_is_byte_for_byte_what_storage_reads() -> None:
    """The control record in field 17."""
    envelope = Envelope(CONTROL, RECEIVED_AT, DIGEST, PRINCIPAL, control='{"ä":1}')
    assert frame(envelope) == by_hand(2, 17, '{"ä":1}'.encode())


@given(st.integers(0, 2**64 - 1), st.binary(max_size=300), st.text(max_size=20))
def test_every_envelope_comes_back(received_at: int, request: bytes, principal: str) -> None:
    """Reading is the inverse of writing."""
    envelope = Envelope(OTLP_TRACES, received_at, DIGEST, principal, request)
    assert parse(message(frame(envelope))) == envelope


def test_a_request_cannot_reach_another_field() -> None:
    """Bytes that look like fields of the envelope stay inside of theirs."""
    forged = frame(Envelope(CONTROL, 1, "", '{"id":"forged"}', control="{}"))
    for request in (forged, message(forged)):
        assert (
            parse(message(frame(Envelope(OTLP_TRACES, 7, DIGEST, PRINCIPAL, request)))).principal
            == PRINCIPAL
        )


@pytest.mark.parametrize("kind", [OTLP_TRACES, CONTROL])
def test_a_change_of_any_bit_is_refused(kind: int) -> None:
    """The checksum covers the payload, the sender, the time and the digest."""
    payload = {"request": b"payload"} if kind == OTLP_TRACES else {"control": "payload"}
    envelope = Envelope(kind, RECEIVED_AT, DIGEST, PRINCIPAL, **payload)
    whole = message(frame(envelope))
    for bit in range(len(whole) * 8):
        changed = bytearray(whole)
        changed[bit // 8] ^= 1 << bit % 8
        with pytest.raises(FrameInvalid):
            parse(bytes(changed))


def test_frames_of_the_release_before_are_read() -> None:
    """Their checksum covers the payload alone."""
    framed = by_hand(1, 16, b"payload", version=1)
    assert parse(message(framed)) == Envelope(
        OTLP_TRACES, RECEIVED_AT, DIGEST, PRINCIPAL, b"payload"
    )
    with pytest.raises(FrameInvalid, match="crc"):
        parse(message(framed.replace(b"payload", b"payloae")))


def test_another_version_is_refused() -> None:
    """Versions are not guessed at."""
    whole = message(frame(Envelope(OTLP_TRACES, 1, DIGEST, PRINCIPAL)))
    with pytest.raises(FrameInvalid, match="expected version 2, found 3"):
        parse(whole.replace(b"\x08\x02", b"\x08\x03", 1))


def test_another_kind_is_refused() -> None:
    """A kind that this program does not know is not read as one that it knows."""
    with pytest.raises(FrameInvalid, match="found 3"):
        parse(message(frame(Envelope(3, 1, DIGEST, PRINCIPAL))))


@pytest.mark.parametrize("kind", [OTLP_TRACES, CONTROL])
def test_two_payloads_are_refused(kind: int) -> None:
    """The checksum covers one payload, so a second one would be unchecked."""
    with pytest.raises(FrameInvalid, match="payload of another kind"):
        parse(message(frame(Envelope(kind, 1, DIGEST, PRINCIPAL, b"a", "b"))))


@pytest.mark.parametrize("bad", [b"\xff", b"\x22\x05ab", b"\x22\x01\xff", b"\x04", b""])
def test_bytes_that_are_no_envelope_are_refused(bad: bytes) -> None:
    """Cut, foreign, no UTF-8, or nothing at all."""
    with pytest.raises(FrameInvalid):
        parse(bad)


@pytest.mark.parametrize("number", [0, 1, 127, 128, 300, 2**32, 2**63])
def test_varints_come_back(number: int) -> None:
    """With the number of their bytes, whatever follows."""
    encoded = encode_varint(number)
    assert decode_varint(encoded + b"\xff") == (number, len(encoded))


@pytest.mark.parametrize("bad", [b"", b"\x80", b"\x80" * 11])
def test_varints_without_an_end_are_refused(bad: bytes) -> None:
    """A torn length is no length."""
    with pytest.raises(FrameInvalid):
        decode_varint(bad)
