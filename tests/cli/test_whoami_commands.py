"""`auditspan whoami`, on a stopped folder and against a running API."""

import csv
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from auditspan.cli.main import main
from auditspan.collector.access.whoami import whoami_routes
from auditspan.collector.data_dir import locked
from auditspan.identity.roles import ALLOWED, Action, Role
from tests.cli.conftest import Ran
from tests.collector.access.house import House
from tests.collector.front.test_authentication import token


@pytest.fixture
def house(tmp_path: Path) -> House:
    """A data folder with a registry in force."""
    made = House(tmp_path)
    made.apply()
    return made


def run(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *words: str | Path
) -> Ran:
    """Run `auditspan whoami`."""
    monkeypatch.setattr("sys.argv", ["auditspan", "whoami", *map(str, words)])
    with pytest.raises(SystemExit) as end:
        main()
    captured = capsys.readouterr()
    return Ran(int(end.value.code or 0), captured.out, captured.err)


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch) -> None:
    """No variable of the machine decides."""
    for name in ("AUDITSPAN_DATA", "AUDITSPAN_URL", "AUDITSPAN_TOKEN_FILE"):
        monkeypatch.delenv(name, raising=False)


def written(path: Path, text: str) -> Path:
    """A private file."""
    path.touch(mode=0o600)
    path.write_text(text + "\n")
    return path


def long_key(house: House, principal: str) -> str:
    """A key that lives by the real clock."""
    return house.keys.issue(principal, expires_at=4_000_000_000, issued_by="operator")[0]


@contextmanager
def serving(house: House) -> Iterator[str]:
    """The API of a running collector, its folder locked."""
    import asyncio

    from starlette.applications import Starlette

    from auditspan.collector.front.receiver_config import ApiConfig
    from auditspan.collector.front.web_server import WebServer

    loop = asyncio.new_event_loop()
    app = Starlette(routes=whoami_routes(house.authority))
    server = WebServer(ApiConfig(endpoint="127.0.0.1:0"), app)
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    with locked(house.data):
        asyncio.run_coroutine_threadsafe(server.start(), loop).result(30)
        house.data.front_json.write_text(json.dumps({"api": server.url}))
        try:
            yield server.url
        finally:
            asyncio.run_coroutine_threadsafe(server.stop(), loop).result(30)
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
            loop.close()


def test_the_folders_own_token_is_the_default(
    house: House, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a stopped collector: who, how proved, roles and why, what is allowed and what is not."""
    ran = run(capsys, monkeypatch, "--data", house.data.root)
    assert ran.code == 0, ran.err
    lines = [line.strip("│├└─ ") for line in ran.out.splitlines()]
    assert lines[0] == "operator"
    assert lines[1].startswith("proved by: the operator's token sha256:")
    assert "roles: operator" in lines
    assert "2 principals have the role policy: this token only operates" in lines
    assert "keys.manage" in lines
    assert "records.read takes reader or investigator" in lines
    assert house.token not in ran.out


def test_a_file_may_hold_an_api_key(
    house: House,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Named by the option or by the environment."""
    path = written(tmp_path / "key", long_key(house, "person:alice"))
    by_option = run(
        capsys, monkeypatch, "--data", house.data.root, "--token-file", path, "--format", "json"
    )
    found = json.loads(by_option.out)
    assert (found["principal"], found["roles"]) == ("person:alice", ["reader", "policy"])
    assert found["issued_by"] == "operator"
    monkeypatch.setenv("AUDITSPAN_TOKEN_FILE", str(path))
    tree = run(capsys, monkeypatch, "--data", house.data.root).out
    assert tree.startswith("person:alice\n")
    assert "key issued by: operator" in tree


def test_every_action_is_listed_with_the_roles_it_takes(
    house: House, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As CSV: one line an action, from the table that everything asks."""
    ran = run(capsys, monkeypatch, "--data", house.data.root, "--format", "csv")
    rows = list(csv.DictReader(ran.out.splitlines()))
    assert [row["action"] for row in rows] == list(Action)
    for row in rows:
        action = Action(row["action"])
        assert row["allowed"] == ("yes" if action in ALLOWED[Role.OPERATOR] else "no")
        assert row["takes"].split(" or ") == [role for role in Role if action in ALLOWED[role]]


def test_who_may_do_nothing_is_told_so(
    house: House,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A person without a role."""
    path = written(tmp_path / "key", long_key(house, "person:dave"))
    out = run(capsys, monkeypatch, "--data", house.data.root, "--token-file", path).out
    assert "roles: none" in out
    assert "ask for one" in out
    assert "nothing" in out


@pytest.mark.parametrize("by", ["data", "url"])
def test_a_running_collector_is_asked(
    house: House,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    by: str,
) -> None:
    """Through the address in its folder or by `--url`, also with a token of the provider."""
    path = written(tmp_path / "jwt", token(sub="alice-1"))
    with serving(house) as url:
        where = ("--data", house.data.root) if by == "data" else ("--url", url)
        ran = run(capsys, monkeypatch, *where, "--token-file", path)
    assert ran.code == 0, ran.err
    assert ran.out.startswith("person:alice\n")
    assert "proved by: a token of the identity provider, sha256:" in ran.out


def test_a_stopped_collector_checks_no_token_of_a_provider(
    house: House,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its issuers are in its configuration: start it."""
    path = written(tmp_path / "jwt", token(sub="alice-1"))
    ran = run(capsys, monkeypatch, "--data", house.data.root, "--token-file", path)
    assert ran.code == 2
    assert "only a running one checks tokens" in ran.err


@pytest.mark.parametrize("running", [True, False])
def test_a_wrong_token_is_refused(
    house: House,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    running: bool,
) -> None:
    """With a word that shows nothing of it."""
    path = written(tmp_path / "wrong", "ask_" + "s3cret" * 10)
    if running:
        with serving(house):
            ran = run(capsys, monkeypatch, "--data", house.data.root, "--token-file", path)
    else:
        ran = run(capsys, monkeypatch, "--data", house.data.root, "--token-file", path)
    assert ran.code == 2
    assert "not a key of ours" in ran.err
    assert "s3cret" not in ran.err


def test_a_token_that_others_may_read_is_not_used(
    house: House,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """And one that is not there, nor sent in plain text to another machine."""
    path = written(tmp_path / "key", long_key(house, "person:alice"))
    path.chmod(0o644)
    ran = run(capsys, monkeypatch, "--data", house.data.root, "--token-file", path)
    assert (ran.code, "chmod 600" in ran.err) == (2, True)
    missing = run(capsys, monkeypatch, "--data", house.data.root, "--token-file", tmp_path / "no")
    assert (missing.code, "--token-file" in missing.err) == (2, True)
    path.chmod(0o600)
    far = run(capsys, monkeypatch, "--url", "http://10.0.0.1:8080", "--token-file", path)
    assert (far.code, "expected https" in far.err) == (2, True)


def test_nobody_answers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """No folder is wrong usage; a port where nothing listens may answer later."""
    none = run(capsys, monkeypatch, "--data", tmp_path / "nothing")
    assert (none.code, "is no data folder" in none.err) == (2, True)
    path = written(tmp_path / "key", "aso_x")
    away = run(capsys, monkeypatch, "--url", "http://127.0.0.1:9", "--token-file", path)
    assert (away.code, "no answer" in away.err) == (3, True)


def test_a_folder_that_was_only_prepared_has_its_operator(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before the first start somebody may already ask, and stands for everybody."""
    house = House(tmp_path)
    house.data.secret("operator.token").unlink()
    out = run(capsys, monkeypatch, "--data", house.data.root).out
    assert "no registry is in force: this token stands for all roles" in out
    assert "registry: none in force" in out
