"""Keys in files that only their owner reads."""

import shutil
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from auditspan.integrity.errors import KeyInvalid
from auditspan.integrity.keys import (
    LocalSigner,
    decode_key,
    encode_key,
    new_cosigner,
    new_signer,
    read_key,
    read_public,
    write_key,
)
from auditspan.integrity.note import COSIGNATURE, ED25519, make_note, open_note, sign_line


@pytest.mark.parametrize("passphrase", ["", "correct horse"])
def test_a_key_comes_back(tmp_path: Path, passphrase: str) -> None:
    """The same public key, from a file of mode 0600."""
    path, signer = tmp_path / "log.key", new_signer("a.example/log")
    write_key(path, signer.private, passphrase)
    assert path.stat().st_mode & 0o777 == 0o600
    assert b"PRIVATE KEY" in path.read_bytes()
    again = LocalSigner(signer.name, ED25519, read_key(path, passphrase))
    assert again.vkey == signer.vkey


def test_a_key_is_never_overwritten(tmp_path: Path) -> None:
    """The old one may have signed something."""
    path = tmp_path / "log.key"
    write_key(path, new_signer("a").private)
    with pytest.raises(FileExistsError):
        write_key(path, new_signer("b").private)


def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    """With the command that mends it."""
    path = tmp_path / "log.key"
    write_key(path, new_signer("a").private)
    path.chmod(0o640)
    with pytest.raises(KeyInvalid, match="chmod 600"):
        read_key(path)


def test_a_key_behind_a_link_is_refused(tmp_path: Path) -> None:
    """A link could lead to another key."""
    write_key(tmp_path / "real.key", new_signer("a").private)
    (tmp_path / "log.key").symlink_to("real.key")
    with pytest.raises(OSError, match="link"):
        read_key(tmp_path / "log.key")


def test_other_files_are_refused() -> None:
    """No key, another kind, a wrong passphrase, one where none is needed, none where one is."""
    private = new_signer("a").private
    curve = generate_private_key(SECP256R1()).private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    locked = encode_key(private, "right")
    for data, passphrase in (
        (b"", ""),
        (b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", ""),
        (curve, ""),
        (locked, "wrong"),
        (locked, ""),
        (encode_key(private), "needless"),
    ):
        with pytest.raises(KeyInvalid) as raised:
            decode_key(data, passphrase)
        assert passphrase == "" or passphrase not in str(raised.value)


@pytest.mark.parametrize(
    ("made", "given", "cut", "expected"),
    [
        ("right", "wrong", 0, "this is not its passphrase, or it is damaged"),
        ("right", "", 0, "it has a passphrase, and none was given"),
        ("", "needless", 0, "a passphrase was given, and it has none"),
        ("", "", 30, "cut off after 89 bytes"),
        ("right", "right", 60, "its last line is missing"),
    ],
)
def test_it_is_said_what_is_wrong_with_a_key(
    tmp_path: Path, made: str, given: str, cut: int, expected: str
) -> None:
    """With the file, and without a word of the passphrase."""
    path = tmp_path / "root.key"
    write_key(path, new_signer("a").private, made)
    path.write_bytes(path.read_bytes()[: -cut or None])
    with pytest.raises(KeyInvalid, match=expected) as raised:
        read_key(path, given)
    assert str(raised.value).startswith(f"{path}: key: ")
    assert not {"right", "needless"} & set(str(raised.value).split())


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
def test_openssl_gives_a_key_a_passphrase(tmp_path: Path) -> None:
    """As the documentation has it."""
    openssl, path, locked = str(shutil.which("openssl")), tmp_path / "root.key", tmp_path / "new"
    (tmp_path / "passphrase").write_text("correct horse")
    signer = new_signer("a")
    write_key(path, signer.private)
    locked.touch(0o600)
    words = ["pkey", "-in", path, "-aes256", "-passout", f"file:{tmp_path}/passphrase"]
    subprocess.run([openssl, *map(str, words), "-out", str(locked)], check=True)
    assert LocalSigner("a", ED25519, read_key(locked, "correct horse")).vkey == signer.vkey


def test_a_public_key_is_read_as_services_give_it(tmp_path: Path) -> None:
    """PEM of an Ed25519 key; nothing else, not even the private one."""
    signer, path = new_signer("a.example/root"), tmp_path / "root.pem"
    public = signer.private.public_key()
    path.write_bytes(public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    assert read_public(path) == signer.verifier.public
    curve = generate_private_key(SECP256R1()).public_key()
    for other in (
        curve.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        encode_key(signer.private),
        b"",
    ):
        path.write_bytes(other)
        with pytest.raises(KeyInvalid, match=r"root\.pem: expected"):
            read_public(path)


def test_a_signer_shows_no_key() -> None:
    """It may end in a log."""
    signer = new_signer("a.example/log")
    assert "private" not in repr(signer).lower()


def test_another_signer_can_take_its_place() -> None:
    """A KMS needs a public key and a way to sign, and nothing of ours."""

    class Kms:
        def __init__(self) -> None:
            self._inner = new_cosigner("kms.example")

        @property
        def vkey(self) -> str:
            return self._inner.vkey

        def sign(self, message: bytes) -> bytes:
            return self._inner.private.sign(message)

    kms = Kms()
    note = make_note("text\n", [sign_line("text\n", kms, 7)])
    verified = open_note(note, [kms._inner.verifier]).verified
    assert [(each.verifier.type, each.seconds) for each in verified] == [(COSIGNATURE, 7)]
