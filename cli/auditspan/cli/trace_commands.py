"""`auditspan trace`: the decision chain of one trace or one conversation."""

import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TextIO

import typer
from rich.console import Console

from auditspan.cli.output import Format, emit, print_json
from auditspan.cli.output_file import output_file
from auditspan.cli.query_commands import say
from auditspan.cli.store import Place, StoreUrl, StoreUser, opened
from auditspan.cli.target import DEFAULT_DATA, CaFile, Data, TokenFile

if TYPE_CHECKING:
    from auditspan.reports.chain import Chain
    from auditspan.reports.period import Period
    from auditspan.reports.population import Population

_PIPE_WIDTH = 240


class ChainFormat(StrEnum):
    """How a chain is written."""

    TREE = "tree"
    JSON = "json"
    CSV = "csv"
    MD = "md"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(trace)


def trace(
    id: Annotated[str, typer.Argument(metavar="[ID]", help="Id of a trace.")] = "",
    conversation: Annotated[str, typer.Option(help="Id of a conversation instead.")] = "",
    format: Annotated[
        ChainFormat, typer.Option("--format", help="md is a page for people outside.")
    ] = ChainFormat.TREE,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File to write; it must be new.")
    ] = None,
    data: Data = DEFAULT_DATA,
    url: StoreUrl = "",
    user_name: StoreUser = "default",
    token_file: TokenFile = None,
    ca_file: CaFile = None,
) -> None:
    """Show what happened in causal order: who, what, decided by which rule, result, time."""
    from auditspan.reports.chain import chain
    from auditspan.reports.population import population

    place = Place(data, url, user_name, token_file, ca_file)
    title = f"conversation {conversation}" if conversation else f"trace {id}"
    with _stream(output) as stream:
        with opened(place.of("trace", trace=id, conversation=conversation)) as store:
            found = chain(store, id or None, conversation or None)
            whole = population(store, _window(found))
        _write(found, title, whole, format, stream)


def _window(chain: "Chain") -> "Period":
    """From the first to the last step; all there is, if clocks of all of them are beyond it."""
    from auditspan.reports.period import LATEST, Period

    if chain.started >= LATEST:
        return Period()
    return Period(chain.started, min(chain.ended, LATEST) + timedelta(microseconds=1))


def _write(
    chain: "Chain", title: str, whole: "Population", format: ChainFormat, stream: TextIO
) -> None:
    from auditspan.cli.tree import tree_of
    from auditspan.reports.chain import COLUMNS
    from auditspan.reports.chain_markdown import chain_markdown

    columns = ("Depth", "ParentMissing", *COLUMNS)
    match format:
        case ChainFormat.TREE:
            width = None if stream.isatty() else _PIPE_WIDTH
            console = Console(file=stream, width=width, markup=False, emoji=False, highlight=False)
            console.print(tree_of(chain, title))
            say(whole.sentence())
        case ChainFormat.MD:
            stream.write(chain_markdown(chain, title, whole))
        case ChainFormat.CSV:
            emit(_rows(chain), columns, Format.CSV, stream)
        case ChainFormat.JSON:
            document = {
                "title": title,
                "population": whole.as_dict(),
                "truncated": chain.truncated,
                "steps": _rows(chain),
            }
            print_json(document, stream)


def _rows(chain: "Chain") -> list[dict[str, Any]]:
    return [
        {"Depth": depth, "ParentMissing": step.parent_missing, **step.record}
        for depth, step in chain.walk()
    ]


@contextmanager
def _stream(path: Path | None) -> Iterator[TextIO]:
    if path is None:
        yield sys.stdout
        return
    with output_file(path, new=True) as file:
        text = io.StringIO(newline="")
        yield text
        file.write(text.getvalue().encode())
