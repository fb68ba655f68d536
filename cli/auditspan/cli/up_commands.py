"""`auditspan up`: run the collector."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from auditspan.cli.target import DEFAULT_DATA, Data
from auditspan.cli.terminal import err, safe

_NAMES = {
    "grpc": "OTLP over gRPC",
    "http": "OTLP over HTTP",
    "query": "SQL (ClickHouse)",
    "api": "health, metrics, control",
}


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(up)


def up(
    config: Annotated[
        Path | None, typer.Option("--config", help="YAML file; see `auditspan config show`.")
    ] = None,
    data: Data = DEFAULT_DATA,
    recover: Annotated[
        bool,
        typer.Option(
            "--recover",
            help="Give up a log of which signed entries are lost; the new one states the gap.",
        ),
    ] = False,
) -> None:
    """Run the collector until it is told to stop (Ctrl-C, SIGTERM)."""
    from auditspan.collector.running import run

    def announce(addresses: Mapping[str, str]) -> None:
        err().print(safe(words(data, addresses), lines=True), soft_wrap=True)

    raise typer.Exit(run(config, data, announce, recover_log=recover))


def words(data: Path, addresses: Mapping[str, str]) -> str:
    """Where it listens, and what to try next."""
    lines = [f"  {_NAMES.get(name, name):<26}{address}" for name, address in addresses.items()]
    option = "" if data == DEFAULT_DATA else f" --data {data}"
    return "\n".join(
        (
            "auditspan is ready:",
            *lines,
            f"  {'operator token':<26}{data / 'secrets' / 'operator.token'}",
            f"try: auditspan replay FILE.jsonl{option}   or: auditspan search{option}",
        )
    )
