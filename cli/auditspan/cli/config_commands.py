"""`auditspan config`: check a configuration, show the defaults."""

from pathlib import Path
from typing import Annotated

import typer
import yaml
from pydantic import BaseModel

from auditspan.cli.output import Format, emit
from auditspan.cli.terminal import err, safe

config = typer.Typer(help="The collector's configuration.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(config, name="config")


@config.command()
def check(
    file: Annotated[Path, typer.Argument(help="YAML file, as for `auditspan up --config`.")],
) -> None:
    """Check a configuration with this environment's overrides. Exit code 2: it is invalid.

    Says for how long each class of records is kept, and in how many partitions: a day of receipt
    and a class are one.
    """
    from auditspan.collector.config import load

    loaded = load(file)
    typer.echo(f"{safe(file)}: valid")
    kept = loaded.processors.retention.effective()
    emit(
        [
            {
                "class": each.name,
                "days": each.days,
                "from": each.origin,
                "partitions": each.partitions,
            }
            for each in kept
        ],
        ("class", "days", "from", "partitions"),
        Format.TABLE,
    )
    for short in loaded.processors.retention.shortfalls():
        err().print(f"kept for less than asked: {safe(short)}", soft_wrap=True)


@config.command()
def show(
    file: Annotated[
        Path | None, typer.Option("--config", help="File to fill up with the defaults.")
    ] = None,
) -> None:
    """Print what holds: the defaults, or a file and the environment over them, as YAML."""
    from auditspan.collector.config import load

    typer.echo(safe(as_yaml(load(file)), lines=True), nl=False)


def as_yaml(model: BaseModel) -> str:
    """A configuration as a file: keys in the order of the reference, sets sorted."""
    return yaml.safe_dump(_plain(model.model_dump(by_alias=True)), sort_keys=False)


def _plain(value: object) -> object:
    match value:
        case dict():
            return {str(key): _plain(item) for key, item in value.items()}
        case set() | frozenset():
            return sorted(map(str, value))
        case list() | tuple():
            return [_plain(item) for item in value]
        case bool() | int() | float() | None:
            return value
    return str(value)
