"""`auditspan log`: the logs that records are sealed in, and the policy that trusts their keys."""

from pathlib import Path
from typing import Annotated

import typer

from auditspan.cli.target import DEFAULT_DATA, Data

log = typer.Typer(help="The logs that records are sealed in.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(log, name="log")


@log.command("policy")
def policy_command(
    older: Annotated[
        list[Path] | None,
        typer.Option(
            "--with", help="A policy of before root log or notary got another key; repeatable."
        ),
    ] = None,
    data: Data = DEFAULT_DATA,
) -> None:
    """Print the policy that trusts this collector's keys; hand it to the auditor out of band."""
    from auditspan.cli.merged_policy import merged
    from auditspan.reports.verification.trust import folder_policy

    text = folder_policy(data / "public")
    if older:
        text = merged([*(path.read_bytes() for path in older), text.encode()])
    typer.echo(text, nl=False)
