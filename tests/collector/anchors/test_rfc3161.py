"""Time stamps of a real responder count only if they prove this note, by a pinned root, now."""

import asyncio
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from rfc3161_client import HashAlgorithm, TimestampRequestBuilder, decode_timestamp_response

from auditspan.collector.anchors.config import TsaAnchorConfig
from auditspan.collector.anchors.der_order import in_der_order
from auditspan.collector.anchors.errors import AnchorRefused, AnchorUnavailable, AnchorUnusable
from auditspan.collector.anchors.rfc3161 import TsaAnchor
from auditspan.collector.anchors.time_stamp import read_roots, verify_time_stamp
from tests.collector.anchors.authority import Authority, for_code, made, serving
from tests.collector.anchors.signed import note

pytestmark = pytest.mark.skipif(not shutil.which("openssl"), reason="needs the openssl command")


@pytest.fixture
def authority(tmp_path: Path) -> Iterator[Authority]:
    """An honest one."""
    with serving(made(tmp_path / "tsa")) as served:
        yield served


def anchor(authority: Authority, **values: object) -> TsaAnchor:
    """Its anchor."""
    given = {"name": "tsa", "url": authority.url, "roots_file": authority.roots, **values}
    return TsaAnchor(TsaAnchorConfig.model_validate(given))


def off_by(authority: Authority, seconds: float) -> TsaAnchor:
    """The anchor on a machine whose clock is wrong."""
    return replace(anchor(authority), now=lambda: time.time() + seconds)


def request_for(data: bytes) -> bytes:
    """A request with a nonce of its own."""
    builder = TimestampRequestBuilder().data(data).hash_algorithm(HashAlgorithm.SHA256)
    made: bytes = builder.nonce(nonce=True).cert_request(cert_request=True).build().as_bytes()
    return made


def test_a_note_is_stamped_and_the_whole_reply_kept(authority: Authority) -> None:
    """`external`, by the authority's time; it can be checked again without the authority."""
    tsa = anchor(authority)
    asyncio.run(tsa.prepare())
    receipt = asyncio.run(tsa.anchor(note(7)))
    assert (receipt.kind, receipt.type, receipt.size) == ("external", "rfc3161", 7)
    assert abs(receipt.time - time.time()) < 30
    assert receipt.raw == authority.replies[0]
    from_disk = replace(receipt, kind="local", time=1)
    assert asyncio.run(tsa.check(from_disk, note(7))) == receipt
    assert len(authority.replies) == 1


@pytest.mark.parametrize("turned", [False, True])
def test_certificates_in_any_order_are_read(tmp_path: Path, turned: bool) -> None:
    """`openssl ts` sends a chain as it comes, which strict DER forbids and no signature covers."""
    with serving(made(tmp_path / "tsa", chain=True)) as authority:
        receipt = asyncio.run(anchor(authority).anchor(note(3)))
    raw = receipt.raw
    certificates = sorted(decode_timestamp_response(in_der_order(raw)).signed_data.certificates)
    assert len(certificates) == 2
    first, second = certificates if turned else reversed(certificates)
    at = min(raw.index(each) for each in certificates)
    mixed = raw[:at] + first + second + raw[at + len(first) + len(second) :]
    assert in_der_order(mixed) == in_der_order(raw)
    assert verify_time_stamp(mixed, note(3), read_roots(authority.roots)) == receipt.time


def test_a_root_that_is_not_pinned_is_refused(authority: Authority, tmp_path: Path) -> None:
    """Though the chain is whole."""
    other = made(tmp_path / "other")
    with pytest.raises(AnchorRefused, match="does not verify with the pinned roots"):
        asyncio.run(anchor(authority, roots_file=other.roots).anchor(note(7)))


def test_a_stamp_for_another_digest_is_refused(authority: Authority) -> None:
    """Of an authority that signs what it likes."""
    authority.change = lambda tsa, request: tsa.sign(request_for(b"something else"))
    with pytest.raises(AnchorRefused, match="for another digest than the note's"):
        asyncio.run(anchor(authority).anchor(note(7)))


def test_a_replayed_stamp_is_refused(authority: Authority) -> None:
    """It has another nonce, though it is for this note."""
    tsa = anchor(authority)
    asyncio.run(tsa.anchor(note(7)))
    old = authority.replies[0]
    authority.change = lambda tsa, request: old
    with pytest.raises(AnchorRefused, match=r"another nonce .* replayed"):
        asyncio.run(tsa.anchor(note(7)))


def test_a_receipt_of_another_note_is_refused(authority: Authority) -> None:
    """By `check`, whichever of the two was changed."""
    tsa = anchor(authority)
    receipt = asyncio.run(tsa.anchor(note(7)))
    with pytest.raises(AnchorRefused, match="another tree was anchored"):
        asyncio.run(tsa.check(receipt, note(8)))
    with pytest.raises(AnchorRefused, match="for another digest"):
        asyncio.run(tsa.check(replace(receipt, note=note(8)), note(8)))


def test_an_ended_certificate_is_refused(tmp_path: Path) -> None:
    """It was not valid at the time of the stamp."""
    with (
        serving(made(tmp_path / "tsa", ended=True)) as authority,
        pytest.raises(AnchorRefused, match=r"does not verify .*expired"),
    ):
        asyncio.run(anchor(authority).anchor(note(7)))


def test_a_certificate_for_something_else_is_refused(authority: Authority) -> None:
    """Though it is of the pinned root and has the key that signed."""
    certificate, other = for_code(authority)

    def change(tsa: Authority, request: bytes) -> bytes:
        reply = tsa.sign(request)
        assert certificate in reply
        return reply.replace(certificate, other)

    authority.change = change
    with pytest.raises(AnchorRefused, match="unsuitable certificate purpose"):
        asyncio.run(anchor(authority).anchor(note(7)))


def test_clocks_that_are_far_apart_are_refused(authority: Authority) -> None:
    """Ten minutes either way; a minute is none."""
    for offset in (-600.0, 600.0):
        tsa = off_by(authority, offset)
        with pytest.raises(AnchorRefused, match=r"clock and ours are \d+ s apart.*set the clock"):
            asyncio.run(tsa.anchor(note(7)))
    assert asyncio.run(off_by(authority, 60.0).anchor(note(7))).kind == "external"


def _cut(authority: Authority, request: bytes) -> bytes:
    return authority.sign(request)[:-20]


def _refusal(authority: Authority, request: bytes) -> bytes:
    return authority.sign(request[:4] + b"\x09" + request[5:])  # Version 9.


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda tsa, request: b"", "no time stamp"),
        (lambda tsa, request: b"<html>" * 40, "no time stamp"),
        (lambda tsa, request: b"\x30\x84\xff\xff\xff\xff" + b"0" * 40, "no time stamp"),
        (lambda tsa, request: b"0" * 70_000, "answer of more than"),
        (_cut, "no time stamp"),
        (_refusal, "refused with status 2"),
    ],
)
def test_answers_that_are_no_stamp_are_refused(
    authority: Authority, change: Callable[[Authority, bytes], bytes], says: str
) -> None:
    """Whatever comes."""
    authority.change = change
    with pytest.raises(AnchorRefused, match=says):
        asyncio.run(anchor(authority).anchor(note(7)))


def test_each_changed_byte_of_a_reply_is_refused_or_changes_nothing(authority: Authority) -> None:
    """What verifies has the time and note of the reply as it came."""
    roots = read_roots(authority.roots)
    reply = authority.sign(request_for(note(7)))
    at = verify_time_stamp(reply, note(7), roots)
    accepted = 0
    for place in range(len(reply)):
        changed = bytearray(reply)
        changed[place] ^= 0x01
        try:
            assert verify_time_stamp(bytes(changed), note(7), roots) == at
            accepted += 1
        except AnchorRefused:
            continue
    assert accepted < len(reply) // 4


def test_an_authority_that_does_not_answer_is_tried_again(authority: Authority) -> None:
    """Unreachable or overloaded is retryable, a refusal is not."""
    authority.status = 503
    with pytest.raises(AnchorUnavailable, match="answered 503"):
        asyncio.run(anchor(authority).anchor(note(7)))
    authority.status = 404
    with pytest.raises(AnchorRefused, match="answered 404"):
        asyncio.run(anchor(authority).anchor(note(7)))
    with pytest.raises(AnchorUnavailable, match="no answer"):
        asyncio.run(anchor(authority, url="http://127.0.0.1:1/").anchor(note(7)))


def test_roots_that_cannot_be_read_are_found_at_the_start(authority: Authority) -> None:
    """With where to get them."""
    authority.roots.write_text("no certificate")
    with pytest.raises(AnchorUnusable, match="take the root certificate from the authority itself"):
        asyncio.run(anchor(authority).prepare())


@pytest.mark.parametrize("url", ["http://tsa.example/", "ftp://127.0.0.1/", "https://u:p@h/"])
def test_plain_text_off_this_machine_is_no_configuration(tmp_path: Path, url: str) -> None:
    """Nor are credentials in the address."""
    with pytest.raises(ValueError, match="url"):
        TsaAnchorConfig(name="tsa", url=url, roots_file=tmp_path / "roots.pem")
