"""What the signing process is told: names, passphrase, programs."""

import os
from pathlib import Path

import pytest
from pydantic import ValidationError

from auditspan.collector.data_dir import DataDir, prepare
from auditspan.collector.errors import ConfigInvalid
from auditspan.collector.signer.beginning import begin_of, passphrase_of
from auditspan.collector.signer.config import IntegrityConfig, ProgramConfig
from auditspan.identity.errors import SecretFileInvalid
from auditspan.integrity.checkpoint import Checkpoint
from auditspan.integrity.errors import KeyInvalid
from auditspan.integrity.keys import new_signer
from auditspan.integrity.note import make_note, sign_line
from tests.collector.signer.key_service import KeyService


@pytest.fixture
def data(tmp_path: Path) -> DataDir:
    """A data folder."""
    return prepare(tmp_path / "data")


def test_a_passphrase_comes_from_one_place(data: DataDir, tmp_path: Path) -> None:
    """A file, a variable that is taken out, or a descriptor that is closed; or there is none."""
    file = tmp_path / "passphrase"
    file.write_text("of a file\n")
    file.chmod(0o600)
    reading, writing = os.pipe()
    os.write(writing, b"of a pipe\n")
    os.close(writing)
    environment = {"KEYS": "of a variable", "PATH": "/bin"}
    for config, expected in (
        (IntegrityConfig(), ""),
        (IntegrityConfig(passphrase_file=file), "of a file"),
        (IntegrityConfig(passphrase_env="KEYS"), "of a variable"),
        (IntegrityConfig(passphrase_fd=reading), "of a pipe"),
    ):
        assert begin_of(config, data, environment).passphrase == expected
    assert environment == {"PATH": "/bin"}
    with pytest.raises(OSError, match="descriptor"):
        os.fstat(reading)


def test_an_absent_passphrase_is_no_empty_one(data: DataDir, tmp_path: Path) -> None:
    """Each place says what it is called."""
    empty = tmp_path / "empty"
    empty.touch(0o600)
    closed = os.open(empty, os.O_RDONLY)
    os.close(closed)
    for config, expected in (
        (IntegrityConfig(passphrase_file=empty), "passphrase_file: .*empty holds nothing"),
        (IntegrityConfig(passphrase_env="KEYS"), "variable KEYS holds nothing"),
        (
            IntegrityConfig(passphrase_fd=closed),
            f"file descriptor {closed}: .*auditspan up {closed}< FILE",
        ),
    ):
        with pytest.raises(ConfigInvalid, match=expected):
            passphrase_of(config, {})
    empty.chmod(0o644)
    with pytest.raises(SecretFileInvalid, match="chmod 600"):
        begin_of(IntegrityConfig(passphrase_file=empty), data, {})
    with pytest.raises(ValidationError, match="name one of"):
        IntegrityConfig(passphrase_env="KEYS", passphrase_fd=3)


def test_it_is_told_how_far_the_root_log_was_seen(data: DataDir) -> None:
    """By the note that front keeps, if it is of this deployment's root log."""
    path = data.folder("checkpoints") / "root.note"
    assert begin_of(IntegrityConfig(), data, {}).root_seen == 0
    root = new_signer("local/auditspan/default/root")
    text = Checkpoint(root.name, 7, bytes(32)).text
    path.write_bytes(make_note(text, [sign_line(text, root)]))
    begin = begin_of(IntegrityConfig(), data, {})
    assert (begin.root_seen, begin.root_before) == (7, "")
    begin = begin_of(IntegrityConfig(deployment="second"), data, {})
    assert (begin.root_seen, begin.root_before) == (0, path.read_text())
    path.write_bytes(b"no note")
    begin = begin_of(IntegrityConfig(), data, {})
    assert (begin.root_seen, begin.root_before) == (0, "")


def test_programs_get_what_they_are_given(data: DataDir, tmp_path: Path) -> None:
    """The key's name and type, and those variables that are named."""
    service, other = KeyService.made(tmp_path / "service"), KeyService.made(tmp_path / "other")
    kept = ProgramConfig(
        command=service.command, public_key_file=service.public, environment=("KMS_PROFILE", "HOME")
    )
    cosigning = ProgramConfig(command=other.command, public_key_file=other.public)
    config = IntegrityConfig(domain="example.com", root_signer=kept, notary_signer=cosigning)
    environment = {"PATH": "/bin", "KMS_PROFILE": "audit", "SECRET": "s"}
    root, notary = begin_of(config, data, environment).programs
    assert root.vkey.startswith("example.com/auditspan/default/root+")
    assert notary.vkey.startswith("example.com/auditspan/default/notary+")
    assert root.environment == {"KMS_PROFILE": "audit", "PATH": "/bin"}
    assert (root.key, root.arguments, root.seconds) == ("root", service.command, 5.0)
    assert notary.environment == {"PATH": "/bin"}
    twice = config.model_copy(update={"notary_signer": kept})
    with pytest.raises(ConfigInvalid, match="have one public key"):
        begin_of(twice, data, environment)


def test_programs_are_checked_in_the_configuration(data: DataDir, tmp_path: Path) -> None:
    """A path that depends on who starts it, a wait longer than the engine's, no public key."""
    with pytest.raises(ValidationError, match="absolute"):
        ProgramConfig(command=("sign",), public_key_file=tmp_path)
    with pytest.raises(ValidationError, match="less than or equal to 6"):
        ProgramConfig(command=("/bin/sign",), public_key_file=tmp_path, timeout_seconds=7)
    public = tmp_path / "public.pem"
    public.write_text("-----BEGIN PUBLIC KEY-----")
    program = ProgramConfig(command=("/bin/sign",), public_key_file=public)
    with pytest.raises(KeyInvalid, match=r"public\.pem: expected a public key"):
        begin_of(IntegrityConfig(root_signer=program), data, {})
