"""Keys and tokens are made once, kept private, and refused if they are not what they must be."""

from pathlib import Path

import pytest

from auditspan.collector.data_dir import DataDir, prepare
from auditspan.collector.secret_files import Secrets, ensure_secrets
from auditspan.identity.errors import SecretFileInvalid


@pytest.fixture
def data(tmp_path: Path) -> DataDir:
    """An empty data folder."""
    return prepare(tmp_path / "data")


def test_they_are_made_once(data: DataDir) -> None:
    """The second start reads those of the first, and only we can."""
    first, second = ensure_secrets(data), ensure_secrets(data)
    assert (first.hmac_key, first.operator_token) == (second.hmac_key, second.operator_token)
    assert first.statement_jwks == second.statement_jwks
    assert len(first.hmac_key) == 32
    assert first.operator_token.startswith("aso_") and len(first.operator_token) >= 47
    found = list(data.folder("secrets").iterdir())
    modes = {(path.is_dir(), path.stat().st_mode & 0o777) for path in found}
    assert modes == {(False, 0o600), (True, 0o700)}
    prepare(data.root)


def test_two_collectors_share_nothing(tmp_path: Path) -> None:
    """Every folder has its own."""
    one, two = (ensure_secrets(prepare(tmp_path / name)) for name in "ab")
    assert one.hmac_key != two.hmac_key
    assert one.operator_token != two.operator_token


def test_the_public_half_holds_nothing_private(data: DataDir) -> None:
    """The engine and whoever verifies reads it."""
    found = ensure_secrets(data)
    keys = found.statement_jwks["keys"]
    assert isinstance(keys, list)
    assert all("d" not in key for key in keys)


def test_they_are_not_shown(data: DataDir) -> None:
    """A log line of the object says nothing."""
    found = ensure_secrets(data)
    assert repr(found) == "Secrets()"
    assert isinstance(found, Secrets)


def test_the_key_of_hashes_is_made_once_and_never_again(data: DataDir) -> None:
    """Hashes of another one would be told from those in the store by nobody."""
    path = data.secret("hmac.key")
    ensure_secrets(data)
    path.unlink()
    for _ in range(2):
        with pytest.raises(SecretFileInvalid, match=r"hmac\.key: is not there, .*from a backup"):
            ensure_secrets(data)
        assert not path.exists()
    path.write_bytes(b"k" * 32)
    path.chmod(0o600)
    assert ensure_secrets(data).hmac_key == b"k" * 32


def test_a_first_start_that_was_killed_is_one_still(data: DataDir) -> None:
    """The key of hashes comes before what says that a folder was in use."""
    data.secret("hmac.key").write_bytes(b"k" * 32)
    data.secret("hmac.key").chmod(0o600)
    assert ensure_secrets(data).hmac_key == b"k" * 32
    assert (data.folder("public") / "statement.jwks.json").exists()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("hmac.key", b""),
        ("hmac.key", b"k" * 31),
        ("operator.token", b""),
        ("operator.token", b"aso_short"),
        ("operator.token", b"\xff" * 50),
        ("statement.key", b""),
    ],
)
def test_a_damaged_secret_is_refused(data: DataDir, name: str, content: bytes) -> None:
    """An empty key would hash, and an empty token let in, whoever knows nothing."""
    ensure_secrets(data)
    data.secret(name).write_bytes(content)
    with pytest.raises(SecretFileInvalid, match=name):
        ensure_secrets(data)


@pytest.mark.parametrize("name", ["hmac.key", "operator.token", "statement.key"])
def test_a_secret_that_others_may_read_is_refused(data: DataDir, name: str) -> None:
    """With the command that mends it."""
    ensure_secrets(data)
    data.secret(name).chmod(0o644)
    with pytest.raises(SecretFileInvalid, match="chmod 600"):
        ensure_secrets(data)


def test_a_token_with_a_line_end_is_the_token(data: DataDir) -> None:
    """As an editor leaves it."""
    token = ensure_secrets(data).operator_token
    data.secret("operator.token").write_text(token + "\n")
    assert ensure_secrets(data).operator_token == token
