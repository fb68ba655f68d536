"""Keys of a key service: real programs sign, and each signature is checked before it is used."""

import asyncio
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from auditspan.collector.errors import SignerFailed, SignerRefused
from auditspan.collector.signer.elsewhere import Programs, ProgramSigner, signers_of
from auditspan.collector.signer.errors import KeyMismatch, KeyUnavailable
from auditspan.collector.signer.protocol import (
    Begin,
    Open,
    Opened,
    Program,
    Refused,
    Root,
    RootPart,
    Sign,
)
from auditspan.collector.signer_process import SignerProcess
from auditspan.integrity.keys import new_signer, read_public
from auditspan.integrity.merkle import EMPTY_ROOT
from auditspan.integrity.note import COSIGNATURE, ED25519, Verifier, open_note
from tests.collector.signer.key_service import KeyService

NAME = "example.com/auditspan/eu"


@pytest.fixture
def service(tmp_path: Path) -> KeyService:
    """It has a key."""
    return KeyService.made(tmp_path / "service")


def program(service: KeyService, key: str = "root", seconds: float = 5.0) -> Program:
    """How to have it sign."""
    type = COSIGNATURE if key == "notary" else ED25519
    vkey = Verifier(f"{NAME}/{key}", type, read_public(service.public)).vkey
    environment = {"PATH": os.environ["PATH"], "KMS_PROFILE": "audit"}
    return Program(key, vkey, service.command, seconds, environment)


def begin_with(folder: Path, *programs: Program) -> Begin:
    """A folder of its own."""
    folder.mkdir(mode=0o700, exist_ok=True)
    return Begin(str(folder), NAME, "abcd1234", programs=programs)


@pytest.fixture
def signer(tmp_path: Path, service: KeyService) -> Iterator[ProgramSigner]:
    """The root log's key, tried once."""
    begin = begin_with(tmp_path / "log", program(service))
    programs = Programs.start(begin)
    yield signers_of(begin, programs)["root"]
    programs.stop()


def test_a_program_signs(signer: ProgramSigner, service: KeyService) -> None:
    """Raw or as base64, with the environment that it was given, once for each signature."""
    for mood in ("well", "base64"):
        service.feels(mood)
        message = f"{mood}\n".encode()
        service.private.public_key().verify(signer.sign(message), message)
    assert service.calls == ["audit"] * 3


@pytest.mark.parametrize(
    ("mood", "expected"),
    [
        ("down", r"ended with code 1 and said 'cannot reach the key service'"),
        ("short", r"gave 63 bytes, expected a signature of 64 or its base64"),
    ],
)
def test_what_a_program_does_not_sign_is_tried_again(
    signer: ProgramSigner, service: KeyService, mood: str, expected: str
) -> None:
    """Its words are passed on, and the next time it may be well."""
    service.feels(mood)
    with pytest.raises(KeyUnavailable, match=expected):
        signer.sign(b"once")
    assert KeyUnavailable.retryable
    service.feels("well")
    assert len(signer.sign(b"again")) == 64


def test_another_key_is_found_at_each_signature(signer: ProgramSigner, service: KeyService) -> None:
    """Nothing that the public key does not verify gets out."""
    service.keeps(new_signer("other").private)
    with pytest.raises(KeyUnavailable, match=r"another key than example\.com"):
        signer.sign(b"message")


def test_another_key_is_found_at_the_start(tmp_path: Path, service: KeyService) -> None:
    """For good: a program or a public key is the wrong one."""
    service.keeps(new_signer("other").private)
    begin = begin_with(tmp_path / "log", program(service))
    programs = Programs.start(begin)
    with pytest.raises(KeyMismatch, match="that belong together"):
        signers_of(begin, programs)
    programs.stop()
    assert not KeyMismatch.retryable


def test_a_slow_program_is_ended(tmp_path: Path, service: KeyService) -> None:
    """After its time, and whatever it has started with it."""
    begin = begin_with(tmp_path / "log", program(service, seconds=0.5))
    programs = Programs.start(begin)
    verifier = Verifier.parse(begin.programs[0].vkey)
    service.feels("slow")
    began = time.monotonic()
    with pytest.raises(KeyUnavailable, match=r"did not sign within 0\.5 s"):
        ProgramSigner("root", verifier, programs).sign(b"message")
    assert time.monotonic() - began < 20
    programs.stop()


def test_an_absent_program_is_named(tmp_path: Path, service: KeyService) -> None:
    """By its path."""
    absent = replace(program(service), arguments=["/nowhere/sign"])
    begin = begin_with(tmp_path / "log", absent)
    programs = Programs.start(begin)
    with pytest.raises(KeyUnavailable, match="/nowhere/sign"):
        signers_of(begin, programs)
    programs.stop()


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
def test_openssl_signs(tmp_path: Path) -> None:
    """As the documentation has it, with the message in a file that the shell makes."""
    key, public, script = tmp_path / "key.pem", tmp_path / "public.pem", tmp_path / "sign.sh"
    openssl = str(shutil.which("openssl"))
    subprocess.run([openssl, "genpkey", "-algorithm", "ed25519", "-out", str(key)], check=True)
    subprocess.run([openssl, "pkey", "-in", str(key), "-pubout", "-out", str(public)], check=True)
    script.write_text(
        "#!/bin/sh\nset -e\nmessage=$(mktemp)\ntrap 'rm -f \"$message\"' EXIT\n"
        f'cat > "$message"\n{openssl} pkeyutl -sign -rawin -inkey {key} -in "$message"\n'
    )
    script.chmod(0o700)
    vkey = Verifier(f"{NAME}/root", ED25519, read_public(public)).vkey
    environment = {"PATH": os.environ["PATH"], "TMPDIR": str(tmp_path)}
    signing = Program("root", vkey, [str(script)], 5.0, environment)
    begin = begin_with(tmp_path / "log", signing)
    programs = Programs.start(begin)
    signature = signers_of(begin, programs)["root"].sign(b"message")
    programs.stop()
    private = load_pem_private_key(key.read_bytes(), None)
    assert signature == private.sign(b"message")  # type: ignore[union-attr, call-arg]


def test_root_log_and_notary_are_signed_by_programs(tmp_path: Path, service: KeyService) -> None:
    """In the real, confined process: no file has those keys, a service that is down is asked
    again, and what was begun then is finished."""
    begin = begin_with(tmp_path / "log", program(service), program(service, "notary"))

    async def life() -> RootPart:
        process = SignerProcess(begin)
        begun = await process.start()
        assert [begun.root_vkey, begun.notary_vkey] == [one.vkey for one in begin.programs]
        opened = await process.ask(Open("2026-11", "first"))
        assert isinstance(opened, Opened)
        service.feels("down")
        asked = Sign(opened.origin, 0, 1, "aa" * 32, ())
        refused = await process.ask(asked)
        assert isinstance(refused, Refused) and refused.retryable
        assert "cannot reach the key service" in refused.reason
        service.feels("well")
        assert not isinstance(await process.ask(asked), Refused)
        part = await process.ask(Root(0))
        await process.stop()
        assert isinstance(part, RootPart)
        return part

    part = asyncio.run(life())
    assert [entry.kind for entry in part.entries] == [1, 0x10]
    verifiers = [Verifier.parse(one.vkey) for one in begin.programs]
    assert len(open_note(part.note.encode(), verifiers).verified) == 2
    names = {path.name for path in (tmp_path / "log").glob("[!.]*")}
    assert names == {"2026-11.key", "root.index", "root.jsonl", "state.json"}
    assert EMPTY_ROOT.hex() not in part.root


def test_the_process_of_the_programs_is_started_again(tmp_path: Path, service: KeyService) -> None:
    """It cannot be started by a process that is confined, so that one ends too."""
    begin = begin_with(tmp_path / "log", program(service))

    async def life() -> None:
        process = SignerProcess(begin)
        await process.start()
        assert process.process is not None
        pid = process.process.pid
        [child] = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        os.kill(int(child), signal.SIGKILL)
        refused = await process.ask(Open("2026-11", "first"))
        assert isinstance(refused, Refused) and refused.retryable
        await process.process.wait()
        assert isinstance(await process.ask(Open("2026-11", "first")), Opened)
        await process.stop()

    asyncio.run(life())


def test_a_start_says_whether_it_helps_to_try_again(tmp_path: Path, service: KeyService) -> None:
    """A service that is down may come back; another key will not."""
    begin = begin_with(tmp_path / "log", program(service))

    async def error() -> SignerFailed:
        with pytest.raises(SignerFailed) as raised:
            await SignerProcess(begin).start()
        return raised.value

    service.feels("down")
    down = asyncio.run(error())
    assert type(down).retryable
    service.feels("well")
    service.keeps(new_signer("other").private)
    other = asyncio.run(error())
    assert isinstance(other, SignerRefused)
