"""Files that hold secrets."""

import threading
from pathlib import Path

import pytest

from auditspan.identity.api_keys import ApiKeys
from auditspan.identity.errors import SecretFileInvalid
from auditspan.identity.files import locked, read_private, write_atomic


def test_a_file_is_private_and_whole(tmp_path: Path) -> None:
    """Whatever the umask; and nothing else is left in the folder."""
    path = tmp_path / "secret"
    write_atomic(path, b"one")
    write_atomic(path, b"two")
    assert read_private(path) == b"two"
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_a_write_that_fails_leaves_the_old_text(tmp_path: Path) -> None:
    """And no draft."""
    path = tmp_path / "secret"
    (path / "in the way").mkdir(parents=True)
    with pytest.raises(OSError, match="irectory"):
        write_atomic(path, b"two")
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("mode", [0o604, 0o640, 0o620, 0o666, 0o610])
def test_what_others_may_touch_is_no_secret(tmp_path: Path, mode: int) -> None:
    """Reading, writing or executing."""
    path = tmp_path / "secret"
    write_atomic(path, b"one")
    path.chmod(mode)
    with pytest.raises(SecretFileInvalid, match=f"{mode:04o}.*chmod 600"):
        read_private(path)


def test_holders_of_a_lock_take_turns(tmp_path: Path) -> None:
    """The second enters when the first has left."""
    path = tmp_path / "secret"
    order: list[str] = []

    def second() -> None:
        with locked(path):
            order.append("second")

    with locked(path):
        thread = threading.Thread(target=second)
        thread.start()
        thread.join(0.05)
        order.append("first")
    thread.join(5)
    assert order == ["first", "second"]


def test_writers_at_the_same_time_lose_no_key(tmp_path: Path) -> None:
    """Each with a view of its own, as two processes have."""
    path = tmp_path / "api_keys.json"

    def issue(name: int) -> None:
        keys = ApiKeys(path, now=lambda: 1000.0)
        for _ in range(5):
            keys.issue(f"agent:{name}", expires_at=2000)

    threads = [threading.Thread(target=issue, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(ApiKeys(path).list()) == 20


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    """A folder in its place, for example: not taken for a file without keys."""
    path = tmp_path / "api_keys.json"
    path.mkdir(mode=0o700)
    with pytest.raises(SecretFileInvalid, match="irectory"):
        ApiKeys(path)
    (tmp_path / "file").write_text("")
    with pytest.raises(SecretFileInvalid, match="irectory"):
        ApiKeys(tmp_path / "file" / "api_keys.json")
