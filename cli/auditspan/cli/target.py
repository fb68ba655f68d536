"""The options that say which collector a command is about."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from auditspan.cli.url_option import http_url

if TYPE_CHECKING:
    from auditspan.collector.control.client import Target

Data = Annotated[
    Path,
    typer.Option("--data", envvar="AUDITSPAN_DATA", help="Data folder of the collector."),
]
Url = Annotated[
    str,
    typer.Option(
        "--url",
        envvar="AUDITSPAN_URL",
        callback=http_url,
        help="Address of a collector's API instead.",
    ),
]
TokenFile = Annotated[
    Path | None,
    typer.Option(
        "--token-file",
        envvar="AUDITSPAN_TOKEN_FILE",
        help="File with your API key, a token of your identity provider, or the operator's token. "
        "Without it, the operator's token of the data folder.",
    ),
]
CaFile = Annotated[
    Path | None,
    typer.Option("--ca-file", help="Certificates to trust for an https --url."),
]
DEFAULT_DATA = Path("data")


def target_of(data: Path, url: str, token_file: Path | None, ca_file: Path | None) -> "Target":
    """The collector that the options mean."""
    from auditspan.collector.control.client import Target

    return Target(data, url, token_file, ca_file)
