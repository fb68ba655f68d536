"""The options of commands over sealed logs: where these are, whose keys count, of what time."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from auditspan.cli.url_option import http_url

if TYPE_CHECKING:
    from auditspan.reports.verification.window import Window

ServerUrl = Annotated[
    str,
    typer.Option(
        "--url",
        callback=http_url,
        help="Address of a collector's API instead, or of a ClickHouse server whose tables to "
        "read, as https://host:8443; --token-file is the file with the user's password then.",
    ),
]
Policy = Annotated[
    Path | None,
    typer.Option(
        "--policy",
        help="Whose keys to trust: a file as https://c2sp.org/tlog-policy, got another way.",
    ),
]
Anchors = Annotated[
    list[Path] | None,
    typer.Option("--anchors", help="Notes that were saved: a file, or a folder; repeatable."),
]
Out = Annotated[Path, typer.Option("-o", "--output", help="File to write.")]


def window_of(since: str, until: str) -> "Window":
    """The window that options mean."""
    from auditspan.reports.period import period
    from auditspan.reports.verification.window import Window

    whole = period(since, until, datetime.now(UTC))
    return Window(whole.since if since else None, whole.until if until else None)


def report_name(
    what: str, since: str, until: str, filters: dict[str, list[str]] | None = None
) -> str:
    """What was asked, in the way that other reports say it."""
    given = {"since": since, "until": until}
    given |= {name: ",".join(values) for name, values in (filters or {}).items()}
    return " ".join([what, *(f"{name}={value}" for name, value in given.items() if value)])
