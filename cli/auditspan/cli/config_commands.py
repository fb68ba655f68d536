"""`auditspan config`: check a configuration, show the defaults."""

from pathlib import Path
from typing import Annotated

import typer
import yaml

from auditspan.cli.terminal import safe

config = typer.Typer(help="The collector's configuration.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(config, name="config")


@config.command()
def check(
    file: Annotated[Path, typer.Argument(help="YAML file, as for `auditspan up --config`.")],
) -> None:
    """Check a configuration with this environment's overrides. Exit code 2: it is invalid."""
    from auditspan.collector.config import load

    load(file)
    typer.echo(f"{safe(file)}: valid")


@config.command()
def show(
    file: Annotated[
        Path | None, typer.Option("--config", help="File to fill up with the defaults.")
    ] = None,
) -> None:
    """Print what holds: the defaults, or a file and the environment over them, as YAML."""
    from auditspan.collector.config import load

    fields = load(file).model_dump(mode="json")
    typer.echo(safe(yaml.safe_dump(fields, sort_keys=False, allow_unicode=False), lines=True))
