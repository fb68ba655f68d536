"""`auditspan apply`, `history`, `diff` and `tools import`: the registry as code."""

from pathlib import Path
from typing import Annotated

import typer

from auditspan.cli import show_commands
from auditspan.cli.changes import (
    print_changes,
    print_decision,
    print_examples,
    print_problems,
)
from auditspan.cli.exits import Exit
from auditspan.cli.output import Format, emit
from auditspan.cli.output_file import SHARED, output_file
from auditspan.cli.said import Reason, RequestedBy, Ticket, demanded, why
from auditspan.cli.target import DEFAULT_DATA, CaFile, Data, TokenFile, Url, target_of
from auditspan.cli.terminal import err, out, safe

_HISTORY = (
    "at",
    "version",
    "changes",
    "requested_by",
    "approved_by",
    "provenance",
    "on_behalf_of",
    "ticket",
    "reason",
    "findings",
)
_CHANGES = ("change", "kind", "name", "field", "before", "after")

tools = typer.Typer(help="The tool catalogue.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(apply)
    app.command()(history)
    app.command()(diff)
    tools.command("import")(import_tools)
    app.add_typer(tools, name="tools")
    show_commands.register(app)


def apply(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder with YAML and Cedar.")],
    requested_by: RequestedBy = "",
    ticket: Ticket = "",
    reason: Reason = "",
    approved_by: Annotated[
        str, typer.Option(help="Who consented elsewhere, as you say; it replaces no approval.")
    ] = "",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check and show the difference only.")
    ] = False,
    data: Data = DEFAULT_DATA,
    url: Url = "",
    token_file: TokenFile = None,
    ca_file: CaFile = None,
    format: Annotated[Format, typer.Option(help="How to write the difference.")] = Format.TABLE,
) -> None:
    """Check a registry, run its examples, show the difference and propose it.

    It takes effect when another person approves it (`auditspan approve`), or at once where one
    person decides alone. Exit code 1: an example got another decision than it expects, or you may
    not. 2: the folder is invalid.
    """
    from auditspan.collector.control.client import connect
    from auditspan.collector.control.errors import ControlInvalid, ControlRefused
    from auditspan.registry import Bundle, BundleInvalid

    if not dry_run:
        demanded(ticket=ticket, reason=reason)
    said = why(requested_by, ticket, reason, approved_by)
    try:
        bundle = Bundle.read(folder)
        with connect(target_of(data, url, token_file, ca_file), create=not dry_run) as client:
            outcome = client.apply(bundle, said, dry_run=dry_run)
    except BundleInvalid as error:
        print_problems(error.problems)
        raise typer.Exit(Exit.USAGE) from error
    except ControlInvalid as error:
        err().print(safe(error, lines=True), soft_wrap=True)
        raise typer.Exit(Exit.USAGE) from error
    except ControlRefused as error:
        print_examples(error.details, format)
        err().print(f"auditspan: {safe(error)}", soft_wrap=True)
        raise typer.Exit(Exit.FOUND) from error
    print_changes(outcome, _CHANGES, format)
    print_decision(outcome)


def history(
    at: Annotated[
        str, typer.Option(help="Only the version in force at this time (RFC 3339).")
    ] = "",
    data: Data = DEFAULT_DATA,
    url: Url = "",
    token_file: TokenFile = None,
    ca_file: CaFile = None,
    format: Annotated[Format, typer.Option(help="How to write it.")] = Format.TABLE,
) -> None:
    """Every version of the registry: when, who asked, who approved, why."""
    from auditspan.collector.control.client import connect
    from auditspan.collector.control.history import in_force

    with connect(target_of(data, url, token_file, ca_file)) as client:
        rows = client.history()
    emit(in_force(rows, at) if at else rows, _HISTORY, format)


def diff(
    before: Annotated[str, typer.Argument(metavar="A", help="A version or a folder.")],
    after: Annotated[str, typer.Argument(metavar="B", help="The same; without: in force.")] = "",
    data: Data = DEFAULT_DATA,
    url: Url = "",
    token_file: TokenFile = None,
    ca_file: CaFile = None,
    format: Annotated[Format, typer.Option(help="How to write it.")] = Format.TABLE,
) -> None:
    """The difference of two versions or folders. Exit code 1: there is one."""
    from auditspan.collector.control.client import connect
    from auditspan.registry import Bundle, BundleInvalid, Registry
    from auditspan.registry.diff import compare

    def read(name: str) -> Registry:
        if Path(name).is_dir() and name:
            return Bundle.read(Path(name)).registry()
        with connect(target_of(data, url, token_file, ca_file)) as client:
            return client.bundle(name).registry()

    try:
        changes = compare(read(before), read(after))
    except BundleInvalid as error:
        print_problems(error.problems)
        raise typer.Exit(Exit.USAGE) from error
    print_changes({"changes": [change.to_dict() for change in changes]}, _CHANGES, format)
    raise typer.Exit(Exit.FOUND if changes else Exit.OK)


def import_tools(
    file: Annotated[Path, typer.Argument(help="A tools/list result, or JSON schemas.")],
    server: Annotated[str, typer.Option(help="Name of the server that offers them.")] = "",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File to write; it must be new.")
    ] = None,
) -> None:
    """Write the tools of an MCP server's tools/list, or JSON schemas, as registry YAML."""
    from auditspan.registry.schema_import import to_yaml, tools_of

    text = to_yaml(tools_of(file.read_bytes(), server))
    if output is None:
        out().file.write(text)
        return
    with output_file(output, mode=SHARED, new=True) as stream:
        stream.write(text.encode())
    unknown = text.count("\neffect: unknown")
    if unknown:
        err().print(f"{unknown} tools have no effect hint: write in what they do", soft_wrap=True)
