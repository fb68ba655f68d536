"""The store that is verified: all of it, by fixed questions, for whoever may read content.

1. With `--url`, a collector's API, or a ClickHouse server as a user who may read its tables.
2. Is the data folder's lock free, the collector is stopped: its store is opened here.
3. Else the collector that holds it is asked, by the names of the questions.

A verification is a read like any other: a collector's store has it in its access log.
"""

import asyncio
import json
import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from auditspan.cli.errors import CollectorBusy, NoStore, OptionInvalid

if TYPE_CHECKING:
    from auditspan.collector.control.service import Submit
    from auditspan.collector.data_dir import DataDir
    from auditspan.collector.query.claims import Claims
    from auditspan.collector.query.reads import Read
    from auditspan.identity.caller import Caller
    from auditspan.reports.verification.asking import Ask
    from auditspan.reports.verification.trust import Trust
    from auditspan.storage.engine import Engine

_SETTLE_SECONDS = 2.0
_PATIENCE = 9
AT_ONCE = 2
"""Questions that a store is asked at once; those that take long have a thread each."""
_NO_TABLE = 60


@dataclass(frozen=True, slots=True)
class Where:
    """What the options say."""

    data: Path
    url: str = ""
    user_name: str = "default"
    token_file: Path | None = None
    ca_file: Path | None = None
    policy: Path | None = None
    report: str = ""
    """What the access log shall call it."""


@dataclass(slots=True)
class SealedStore:
    """A store that answers the questions of a verification."""

    ask: "Ask"
    trust: "Trust"
    checkpoints: Path | None = None
    """Folder with the newest notes; None if there is none here."""
    live: bool = False
    """Whether a collector works on it."""
    at_once: int = 1
    """Questions that it may be asked at the same time. A collector has other work to do: one."""
    rows: int = 0
    """Records that were shown, for the access log."""
    began: int = field(default_factory=time.time_ns)

    def notes(self) -> list[tuple[str, bytes]]:
        """The newest notes of the data folder."""
        if self.checkpoints is None:
            return []
        found = sorted(self.checkpoints.glob("*.note"))
        return [(f"checkpoints/{file.name}", file.read_bytes()) for file in found]

    @property
    def patience(self) -> int:
        """How often a collector is waited for whose newest notes are not rows yet."""
        return _PATIENCE if self.live else 0

    def settle(self) -> None:
        """Wait until what a collector has stored is signed."""
        if self.live:
            time.sleep(_SETTLE_SECONDS)


@contextmanager
def sealed_store(where: Where) -> Iterator[SealedStore]:
    """The store, for as long as it is needed. Raises `NoStore`, `CollectorBusy`, `NotPermitted`."""
    from auditspan.collector import data_dir
    from auditspan.collector.errors import AlreadyRunning

    if where.url:
        with _collector(where) if _is_collector(where) else _server(where) as store:
            yield store
        return
    if not (where.data / "instance").exists():
        raise NoStore(
            f"{where.data} is no data folder; name it with --data, or a ClickHouse server "
            "with --url"
        )
    data = data_dir.prepare(where.data)
    with ExitStack() as stack:
        try:
            stack.enter_context(data_dir.locked(data))
        except AlreadyRunning as error:
            yield stack.enter_context(_running(where, data, error))
            return
        yield stack.enter_context(_stopped(where, data))


@contextmanager
def _stopped(where: Where, data: "DataDir") -> Iterator[SealedStore]:
    from auditspan.collector.control.stopped import submitting
    from auditspan.collector.query.stopped import caller_on
    from auditspan.identity.roles import Action
    from auditspan.storage.engine import open_embedded

    folder = data.folder("store")
    if not any(folder.iterdir()):
        raise NoStore(f"{folder} holds no records yet; start the collector with `auditspan up`")
    caller = caller_on(data, where.token_file)
    caller.require(Action.READ_CONTENT)
    with closing(open_embedded(folder)) as engine, submitting(data) as submit:
        store = SealedStore(
            asking(engine),
            _trust(where, data.folder("public")),
            data.folder("checkpoints"),
            at_once=AT_ONCE,
        )
        try:
            yield store
        finally:
            asyncio.run(_log(submit, _read(store, caller, claims_of(where))))


def _is_collector(where: Where) -> bool:
    """Whether the API of a collector answers there; a ClickHouse server has no such path."""
    import httpx

    from auditspan.collector.reach import tls_of

    verify = tls_of(where.ca_file)
    url = where.url if "://" in where.url else f"http://{where.url}"
    try:
        found = httpx.get(f"{url}/readyz", verify=verify, timeout=20, trust_env=False)
    except (httpx.HTTPError, httpx.InvalidURL):
        return False
    return found.status_code in (200, 503)


@contextmanager
def _collector(where: Where) -> Iterator[SealedStore]:
    from auditspan.cli.remote_sealed import RemoteAsk

    if where.token_file is None:
        raise OptionInvalid("--url of a collector: name a file with your API key by --token-file")
    with closing(RemoteAsk(where.url, where.token_file, where.ca_file, claims_of(where))) as remote:
        yield SealedStore(remote.ask, _trust(where, None), live=True)


@contextmanager
def _server(where: Where) -> Iterator[SealedStore]:
    from auditspan.storage.config import StoreConfig
    from auditspan.storage.engine import open_engine

    config = StoreConfig(
        url=where.url if "://" in where.url else f"http://{where.url}",
        user=where.user_name,
        password_file=where.token_file,
        ca_file=where.ca_file,
        timeout=600,
    )
    with closing(open_engine(config)) as engine:
        yield SealedStore(asking(engine), _trust(where, None), live=True, at_once=AT_ONCE)


@contextmanager
def _running(where: Where, data: "DataDir", held: Exception) -> Iterator[SealedStore]:
    from auditspan.cli.remote_sealed import RemoteAsk

    try:
        address = str(json.loads(data.front_json.read_text())["api"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CollectorBusy(f"{held}; it does not answer yet, try again") from error
    token = where.token_file or data.secret("operator.token")
    with closing(RemoteAsk(address, token, where.ca_file, claims_of(where))) as remote:
        trust = _trust(where, data.folder("public"))
        yield SealedStore(remote.ask, trust, data.folder("checkpoints"), live=True)


def asking(engine: "Engine") -> "Ask":
    """Asks an opened store. Raises `NoStore` if it has no seals yet."""
    from auditspan.storage.errors import StoreError
    from auditspan.storage.sealing.recompute import answer

    def ask(name: str, params: Mapping[str, Any]) -> Any:
        try:
            return answer(engine, name, params, side_by_side=True)
        except StoreError as error:
            if error.code == _NO_TABLE:
                raise NoStore(
                    f"the store has no seals ({error}); start the collector, or take a user who "
                    "may read its tables"
                ) from error
            raise

    return ask


def claims_of(where: Where) -> "Claims":
    """What this command says of itself."""
    from auditspan.collector.query.claims import Claims

    return Claims("report", where.report, f"auditspan/{version('auditspan')}")


def _trust(where: Where, public: Path | None) -> "Trust":
    from auditspan.reports.verification.trust import nobody, of_folder, of_policy

    if where.policy is not None:
        return of_policy(where.policy.read_bytes(), str(where.policy))
    return nobody() if public is None else of_folder(public)


async def _log(submit: "Submit", read: "Read") -> None:
    await submit(read.record().to_json())


def _read(store: SealedStore, caller: "Caller", claims: "Claims") -> "Read":
    from auditspan.collector.query.outcome import Facts, Outcome
    from auditspan.collector.query.reads import Read
    from auditspan.storage.query import Statement

    took = time.time_ns() - store.began
    outcome = Outcome(b"", facts=Facts(("audit_records", "audit_seals"), store.rows))
    statement = Statement(f"auditspan {claims.report}")
    identity = secrets.token_hex(16)
    return Read(identity, store.began, caller, claims, statement, "investigator", outcome, took)
