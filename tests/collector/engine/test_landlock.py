"""The confined process reads and writes what it needs and nothing else."""

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from auditspan.collector.engine.landlock import confine

PROBE = """
    import socket, sys
    from pathlib import Path
    from auditspan.collector.engine.landlock import confine, system_paths
    inside, secret, port = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
    done = confine([inside], system_paths(), network=False)
    if not done.files:
        print("unsupported"); sys.exit(0)
    (inside / "a").write_text("x"); (inside / "a").rename(inside / "b")
    print("inside", (inside / "b").read_text())
    for what, act in {
        "read": lambda: secret.read_text(),
        "write": lambda: secret.write_text("y"),
        "passwd": lambda: Path("/etc/passwd").read_text(),
        "connect": lambda: socket.create_connection(("127.0.0.1", port), timeout=2),
    }.items():
        try:
            act(); print(what, "allowed")
        except PermissionError:
            print(what, "refused")
    import json, numpy
    print("import ok")
"""


def test_only_the_listed_folders_are_reachable(tmp_path: Path) -> None:
    """Files outside the list and TCP are refused by the kernel; work inside goes on."""
    import socket

    inside, secret = tmp_path / "in", tmp_path / "secret"
    inside.mkdir()
    secret.write_text("key")
    with socket.create_server(("127.0.0.1", 0)) as server:
        done = subprocess.run(
            [
                sys.executable,
                "-c",
                textwrap.dedent(PROBE),
                str(inside),
                str(secret),
                str(server.getsockname()[1]),
            ],
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
    if done.stdout.startswith("unsupported"):
        pytest.skip("this kernel has no Landlock")
    assert done.stdout.splitlines() == [
        "inside x",
        "read refused",
        "write refused",
        "passwd refused",
        "connect refused",
        "import ok",
    ]
    assert secret.read_text() == "key"


def test_a_missing_folder_is_passed_over() -> None:
    """A path that this system lacks is no reason not to start."""
    code = (
        "from pathlib import Path; from auditspan.collector.engine.landlock import *; "
        "print(confine([Path('/does/not/exist')], system_paths(), network=True))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert "Confined(files=" in done.stdout
    assert callable(confine)


def test_what_is_hidden_in_a_readable_folder_stays_closed(tmp_path: Path) -> None:
    """All around it can be read, also what lies beside it."""
    folder = tmp_path / "checkout" / "data" / "secrets"
    folder.mkdir(parents=True)
    (folder / "key").write_text("key")
    (folder.parent / "beside").write_text("beside")
    (tmp_path / "checkout" / "code.py").write_text("code")
    code = (
        "import sys; from pathlib import Path; from auditspan.collector.engine.landlock import *\n"
        "root = Path(sys.argv[1]); hidden = root / 'data' / 'secrets'\n"
        "done = confine([], [root, *system_paths()], network=False, hidden=hidden)\n"
        "if not done.files: print('unsupported'); sys.exit()\n"
        "print((root / 'code.py').read_text(), (root / 'data' / 'beside').read_text())\n"
        "try: print((hidden / 'key').read_text())\n"
        "except PermissionError: print('refused')\n"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", code, str(tmp_path / "checkout")],
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    if done.stdout.startswith("unsupported"):
        pytest.skip("this kernel has no Landlock")
    assert done.stdout.splitlines() == ["code beside", "refused"]
