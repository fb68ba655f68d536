"""The store that a command reads from.

1. With `--url`, the ClickHouse interface of a collector or a server at that address.
2. Else whoever holds the data folder's lock is asked, at the address in its `front.json`.
3. Is the lock free, the collector is stopped: its embedded store is opened here, under the lock.

All three run one statement at a time that can only read, with the roles of whoever the token
proves, and a collector's store has each in its access log before the answer: with the name of the
report that asked, which is what this command says and nobody proves.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Protocol

import typer

from auditspan.cli.errors import CollectorBusy, NoStore
from auditspan.cli.url_option import http_url

if TYPE_CHECKING:
    import pyarrow as pa

    from auditspan.collector.data_dir import DataDir
    from auditspan.collector.query.claims import Claims

StoreUrl = Annotated[
    str,
    typer.Option(
        "--url",
        envvar="AUDITSPAN_QUERY_URL",
        callback=http_url,
        help="ClickHouse address of a collector or server instead, as https://host:8123.",
    ),
]
StoreUser = Annotated[str, typer.Option("--user-name", help="User on a ClickHouse server.")]


class Store(Protocol):
    """Answers statements that read."""

    def arrow(self, sql: str, params: Mapping[str, Any] | None = None) -> "pa.Table":
        """Run one statement with `{name:Type}` parameters."""
        ...


@dataclass(frozen=True, slots=True)
class Place:
    """What the options say."""

    data: Path
    url: str = ""
    user_name: str = "default"
    token_file: Path | None = None
    ca_file: Path | None = None
    report: str = ""
    """What the access log shall call it; empty for a statement of the user's own."""

    def of(self, report: str, **given: object) -> "Place":
        """The same place, read for a report with these parameters; those without value are left
        out."""
        words = [f"{name}={_word(value)}" for name, value in given.items() if _given(value)]
        return replace(self, report=" ".join([report, *words]))

    def claims(self) -> "Claims":
        """What this command says of itself."""
        from auditspan.collector.query.claims import Claims

        interface: Literal["cli", "report"] = "report" if self.report else "cli"
        return Claims(interface, self.report, f"auditspan/{version('auditspan')}")


@contextmanager
def opened(place: Place) -> Iterator[Store]:
    """The store, for as long as it is needed."""
    from auditspan.collector import data_dir
    from auditspan.collector.errors import AlreadyRunning

    if place.url:
        with _remote(place, place.url, place.token_file) as store:
            yield store
        return
    if not (place.data / "instance").exists():
        raise NoStore(
            f"{place.data} is no data folder; name it with --data, or an address with --url"
        )
    data = data_dir.prepare(place.data)
    with ExitStack() as stack:
        try:
            stack.enter_context(data_dir.locked(data))
        except AlreadyRunning as error:
            token = place.token_file or data.secret("operator.token")
            yield stack.enter_context(_remote(place, _address(data, error), token))
            return
        yield stack.enter_context(_stopped(data, place))


@contextmanager
def _stopped(data: "DataDir", place: Place) -> Iterator[Store]:
    from auditspan.cli.stopped_store import stopped_store

    folder = data.folder("store")
    if not any(folder.iterdir()):
        raise NoStore(
            f"{folder} holds no records yet; start the collector with `auditspan up`, or name a "
            "ClickHouse server with --url"
        )
    with stopped_store(data, place.token_file, place.claims()) as store:
        yield store


@contextmanager
def _remote(place: Place, url: str, token_file: Path | None) -> Iterator[Store]:
    from auditspan.cli.remote_store import RemoteStore

    claims = place.claims()
    with closing(RemoteStore(url, place.user_name, token_file, place.ca_file, claims)) as store:
        yield store


def _address(data: "DataDir", running: Exception) -> str:
    """Where the process that holds the folder answers statements."""
    try:
        return str(json.loads(data.front_json.read_text())["query"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CollectorBusy(f"{running}; it does not answer statements yet, try again") from error


def _given(value: object) -> bool:
    return value not in (None, "", [], {})


def _word(value: object) -> str:
    if isinstance(value, dict):
        return ",".join(f"{name}:{text}" for name, text in value.items())
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)
