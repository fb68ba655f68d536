"""Where the engine is to listen: free, or with the socket of an engine before."""

import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from auditspan.collector.engine_socket import expect_place
from auditspan.collector.errors import DataDirInvalid

_LEFT: dict[str, Callable[[Path], object]] = {
    "a folder": Path.mkdir,
    "a file": lambda path: path.write_text("of somebody"),
    "a symbolic link": lambda path: path.symlink_to("/nowhere"),
}


@pytest.mark.parametrize("kind", _LEFT)
def test_what_is_no_socket_is_named_and_stays(tmp_path: Path, kind: str) -> None:
    """What it is, what was expected, and what to do; whoever left it may want it."""
    place = tmp_path / "engine.sock"
    _LEFT[kind](place)
    before = place.lstat()
    with pytest.raises(DataDirInvalid, match=f"^{place} is {kind}: expected .*; move it away"):
        expect_place(place)
    assert place.lstat() == before


def test_a_socket_that_an_engine_left_is_no_obstacle(tmp_path: Path) -> None:
    """Nor is nothing at all."""
    place = tmp_path / "engine.sock"
    expect_place(place)
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(place))
    expect_place(place)


def test_a_path_that_no_socket_can_have_is_told(tmp_path: Path) -> None:
    """Up to the last byte that the kernel takes."""
    longest = tmp_path / ("x" * (107 - len(str(tmp_path)) - 1))
    with socket.socket(socket.AF_UNIX) as asked:
        asked.bind(str(longest))
        expect_place(longest)
    with socket.socket(socket.AF_UNIX) as asked, pytest.raises(OSError, match="too long"):
        asked.bind(f"{longest}x")
    with pytest.raises(DataDirInvalid, match=r"has 108 bytes, .* may have 107: choose a data"):
        expect_place(Path(f"{longest}x"))
