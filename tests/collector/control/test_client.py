"""One client for a running collector and for a stopped one, with the same answers and errors."""

import asyncio
import json
import os
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from auditspan.collector import data_dir
from auditspan.collector.access.authority import Authority
from auditspan.collector.access.config import AccessConfig
from auditspan.collector.access.in_force import RegistryInForce
from auditspan.collector.bindings import bindings_in_force
from auditspan.collector.control.api import routes
from auditspan.collector.control.client import Client, Target, connect
from auditspan.collector.control.errors import (
    ControlConflict,
    ControlDenied,
    ControlForbidden,
    ControlInvalid,
    ControlRefused,
    ControlUnavailable,
    NotFound,
)
from auditspan.collector.control.keys import Wish
from auditspan.collector.control.records import ControlRecord, Why
from auditspan.collector.control.service import open_controls
from auditspan.collector.front.auth_config import AuthConfig
from auditspan.collector.secret_files import ensure_secrets
from auditspan.identity.api_keys import ApiKeys
from tests.collector.control.bundles import BROKEN, STRICTER, WRONG, bundle, two_persons

WHY = Why(requested_by="ann", ticket="T-1", reason="because")
WISH = Wish("helper", "agent", 3600)


@dataclass(frozen=True, slots=True)
class Running:
    """A collector's API on a socket, with its data folder locked."""

    data: Path
    url: str
    records: list[ControlRecord]


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    """A server as front runs it, on a free port."""
    data = data_dir.prepare(tmp_path / "data")
    token = ensure_secrets(data).operator_token
    records: list[ControlRecord] = []

    async def submit(text: str) -> None:
        records.append(ControlRecord.from_json(text))

    controls = open_controls(data.folder("registry"), data.secret("api_keys.json"), submit)
    strange = Route("/other/v1/control/keys", lambda request: PlainTextResponse("hello"))
    registry = RegistryInForce(data.folder("registry"))
    authority = Authority(
        AccessConfig(),
        ApiKeys(data.secret("api_keys.json")),
        token,
        registry,
        bindings_in_force(registry, AuthConfig()),
    )
    app = Starlette(routes=[*routes(controls, authority), strange])
    with socket.socket() as listener, data_dir.locked(data):
        listener.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        data_dir.write_front(data, {"api": url})
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", ws="none"))
        thread = threading.Thread(target=lambda: asyncio.run(server.serve([listener])))
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield Running(data.root, url, records)
        server.should_exit = True
        thread.join()


def life(client: Client) -> None:
    """Everything a client can do, and what it answers."""
    assert not client.apply(bundle(), WHY, dry_run=True)["applied"]
    with pytest.raises(NotFound, match="no registry is in force"):
        client.bundle()
    outcome = client.apply(bundle(), WHY)
    assert outcome["applied"]
    assert client.bundle().files == bundle().files
    client.apply(bundle(policies__p=STRICTER), WHY)
    assert client.bundle(str(outcome["version"])[:20]).files == bundle().files
    assert [row["ticket"] for row in client.history()] == ["T-1", "T-1"]
    with pytest.raises(ControlRefused) as refused:
        client.apply(bundle(policies__p=WRONG), WHY)
    assert refused.value.details[0]["actual"] == "deny by default-deny"
    with pytest.raises(ControlInvalid) as invalid:
        client.apply(bundle(policies__p=BROKEN), WHY)
    assert invalid.value.details[0]["file"] == "policies/p.cedar"
    issued = client.issue(WISH, WHY)
    assert str(issued["key"]).startswith("ask_")
    assert [key["id"] for key in client.list_keys()] == [issued["id"]]
    assert client.revoke(str(issued["id"]), WHY)["revoked_at"]
    for unknown in ("0000", "../keys", ""):
        with pytest.raises(NotFound, match="auditspan keys list"):
            client.revoke(unknown, WHY)
    with pytest.raises(NotFound, match="did you mean 'helper'"):
        client.issue(Wish("hepler", "agent", 3600), WHY)


def test_a_running_collector_is_found_through_its_folder(running: Running) -> None:
    """The folder is locked, so its owner is asked; every change reaches its spool."""
    with connect(Target(running.data)) as client:
        life(client)
    kinds = [record.kind for record in running.records]
    assert kinds == ["registry.applied", "registry.applied", "key.issued", "key.revoked"]


def test_a_running_collector_is_found_by_its_address(running: Running, tmp_path: Path) -> None:
    """With a URL only the token is needed, from a private file."""
    token = tmp_path / "token"
    token.write_text((running.data / "secrets" / "operator.token").read_text() + "\n")
    token.chmod(0o600)
    for url in (running.url, running.url.removeprefix("http://")):
        with connect(Target(tmp_path / "none", url, token)) as client:
            assert client.history() == []


def test_a_stopped_collector_is_worked_on_directly(tmp_path: Path) -> None:
    """The same life without any server, and the folder is free again afterwards."""
    target = Target(tmp_path / "data")
    with connect(target, create=True) as client:
        life(client)
    with connect(target) as client:
        assert len(client.history()) == 2


@dataclass(frozen=True, slots=True)
class People:
    """Keys of two persons who decide together, and of what they decide about."""

    alice: Target
    bob: Target
    operator: Target


def people(data: Path, url: str = "") -> People:
    """Two persons with keys; from then on the operator's token decides nothing."""
    target = Target(data, url, data / "secrets" / "operator.token" if url else None)
    found = {"operator": target}
    with connect(target, create=not url) as client:
        assert client.apply(two_persons(), WHY)["findings"] == ["change.bootstrap"]
        for name in ("alice", "bob"):
            file = data.parent / f"{name}.key"
            file.write_text(str(client.issue(Wish(name, "person", 3600), WHY)["key"]) + "\n")
            file.chmod(0o600)
            found[name] = Target(data, url, file)
    return People(**found)


def together(who: People) -> None:
    """One proposes, the other approves; nobody else does."""
    changed = two_persons(policies__p=STRICTER)
    with connect(who.alice) as client:
        hash_ = str(client.apply(changed, WHY)["proposal"])
        [row] = client.changes()
        assert (row["id"], row["requested_by"]) == (hash_, "person:alice")
        with pytest.raises(ControlForbidden, match="person:alice asked for this change"):
            client.approve(hash_, "")
    with (
        connect(who.operator) as client,
        pytest.raises(ControlForbidden, match="takes the role policy"),
    ):
        client.approve(hash_, "")
    with connect(who.bob) as client:
        assert client.change(hash_[7:19])["state"] == "open"
        assert client.approve(hash_[7:19], "fine")["approved_by"] == "person:bob"
        assert client.bundle().files == changed.files
        assert client.changes() == []
        assert client.changes(all=True)[0]["decided_by"] == "person:bob"
        assert client.disable("helper", WHY)["applied"]
        assert [agent["state"] for agent in client.agents()] == ["disabled"]
        again = client.enable("helper", WHY)
        with pytest.raises(ControlConflict, match="was approved by person:bob"):
            client.reject(hash_, "no")
        assert client.withdraw(str(again["proposal"]), "")["state"] == "withdrawn"
        with pytest.raises(ControlInvalid, match="8 to 64 hex digits"):
            client.change("../keys")
        other = str(client.enable("helper", WHY)["proposal"])
    with connect(who.alice) as client:
        assert client.reject(other, "no")["state"] == "rejected"


def test_two_persons_on_a_running_collector(running: Running) -> None:
    """Each by their own key, over the address."""
    together(people(running.data, running.url))
    approved = next(record for record in running.records if record.approver)
    assert (approved.asked_by, approved.agreed_by) == ("person:alice", "person:bob")


def test_two_persons_on_a_stopped_collector(tmp_path: Path) -> None:
    """The same rules hold in the folder itself, by the same keys."""
    together(people(tmp_path / "data"))


def test_a_token_of_a_provider_needs_a_running_collector(tmp_path: Path) -> None:
    """A stopped one cannot check it; a key that is none proves nobody."""
    who = people(tmp_path / "data")
    token = tmp_path / "token"
    token.touch(mode=0o600)
    for text, words in (
        ("eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJhIn0.AAAA", r"start the collector \(`auditspan up`\)"),
        ("ask_0123456789abcdef_" + "0" * 64, "not a key of ours"),
        ("aso_wrong", "not the one of this collector"),
    ):
        token.write_text(text)
        with (
            pytest.raises(ControlDenied, match=words),
            connect(Target(who.alice.data, token_file=token)),
        ):
            pass


def test_a_wrong_token_is_told_apart_from_a_missing_one(running: Running, tmp_path: Path) -> None:
    """401 says which file was shown; an unreadable or public file is refused before sending."""
    token = tmp_path / "token"
    with (
        pytest.raises(ControlInvalid, match="--token-file"),
        connect(Target(tmp_path, running.url, token)),
    ):
        pass
    token.write_text("aso_wrong")
    token.chmod(0o600)
    with (
        pytest.raises(ControlDenied, match=r"not the one of this collector .*\(the .*/token\)"),
        connect(Target(tmp_path, running.url, token)) as client,
    ):
        client.history()
    token.chmod(0o644)
    with (
        pytest.raises(ControlInvalid, match="chmod 600"),
        connect(Target(tmp_path, running.url, token)),
    ):
        pass


def test_nobody_at_the_address_is_retryable(running: Running, tmp_path: Path) -> None:
    """A closed port, a stranger's answer and a collector that is just starting: try again."""
    token = running.data / "secrets" / "operator.token"
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    for url in (f"http://127.0.0.1:{port}", running.url + "/other"):
        with pytest.raises(ControlUnavailable), connect(Target(tmp_path, url, token)) as client:
            client.list_keys()
    (running.data / "front.json").unlink()
    with (
        pytest.raises(ControlUnavailable, match="does not answer yet"),
        connect(Target(running.data)),
    ):
        pass


def test_a_folder_that_is_none_is_not_made_by_looking(tmp_path: Path) -> None:
    """Only a change makes a data folder; an old `front.json` of a dead collector is ignored."""
    with pytest.raises(NotFound, match="is no data folder"), connect(Target(tmp_path / "data")):
        pass
    assert not (tmp_path / "data").exists()
    data = data_dir.prepare(tmp_path / "data")
    data.front_json.write_text(json.dumps({"pid": os.getpid(), "api": "http://127.0.0.1:1"}))
    with connect(Target(data.root)) as client:
        assert client.list_keys() == []


def test_certificates_that_are_none_are_said(running: Running, tmp_path: Path) -> None:
    """A wrong file for https is bad input."""
    token = running.data / "secrets" / "operator.token"
    wrong = tmp_path / "ca.pem"
    wrong.write_text("nothing")
    for ca in (wrong, tmp_path / "absent"):
        with (
            pytest.raises(ControlInvalid, match="certificates"),
            connect(Target(tmp_path, "https://127.0.0.1:1", token, ca)),
        ):
            pass


@pytest.mark.parametrize(
    "url",
    [
        "http://collector.example:8080",
        "collector.example:8080",
        "http://10.0.0.7:8080",
        "http://localhost.example",
        "http://127.0.0.1@collector.example",
        "http://[",
        "ftp://127.0.0.1",
    ],
)
def test_the_token_is_not_sent_in_clear(tmp_path: Path, url: str) -> None:
    """Plain http is for this machine only."""
    with pytest.raises(ControlInvalid, match="expected https"), connect(Target(tmp_path, url)):
        pass
