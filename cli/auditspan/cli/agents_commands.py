"""`auditspan agents`: which agents may act, and stopping one at once."""

from typing import Annotated

import typer

from auditspan.cli.changes import print_decision
from auditspan.cli.output import Format, emit
from auditspan.cli.said import Reason, RequestedBy, Ticket, demanded, why
from auditspan.cli.target import DEFAULT_DATA, CaFile, Data, TokenFile, Url, target_of
from auditspan.cli.terminal import err, safe

_COLUMNS = (
    "id",
    "state",
    "owner",
    "version",
    "changed_at",
    "disabled_at",
    "disabled_by",
    "disabled_why",
)

agents = typer.Typer(help="Agents that are registered.", no_args_is_help=True)
Id = Annotated[str, typer.Argument(metavar="ID", help="Id of the agent.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(agents, name="agents")


@agents.command("list")
def list_agents(
    data: Data = DEFAULT_DATA,
    url: Url = "",
    token_file: TokenFile = None,
    ca_file: CaFile = None,
    format: Annotated[Format, typer.Option(help="How to write it.")] = Format.TABLE,
) -> None:
    """Every agent: state, owner, version, last change of its entry, who disabled it."""
    from auditspan.collector.control.client import connect

    with connect(target_of(data, url, token_file, ca_file)) as client:
        emit(client.agents(), _COLUMNS, format)


@agents.command()
def disable(
    id: Id,
    reason: Reason = "",
    ticket: Ticket = "",
    requested_by: RequestedBy = "",
    data: Data = DEFAULT_DATA,
    url: Url = "",
    token_file: TokenFile = None,
    ca_file: CaFile = None,
) -> None:
    """Let an agent do nothing from now on: policy denies all it tries, records are still taken."""
    from auditspan.collector.control.client import connect

    demanded(reason=reason)
    said = why(requested_by, ticket, reason)
    with connect(target_of(data, url, token_file, ca_file)) as client:
        outcome = client.disable(id, said)
    if not outcome["applied"]:
        typer.echo(f"{safe(id)} is disabled already")
        return
    typer.echo(f"{safe(id)} is disabled since {safe(outcome['at'])}")
    err().print(
        safe(f"write it into disabled.yaml of your folder (agents: [{id}]) before you apply again"),
        soft_wrap=True,
        highlight=False,
    )


@agents.command()
def enable(
    id: Id,
    reason: Reason = "",
    ticket: Ticket = "",
    requested_by: RequestedBy = "",
    data: Data = DEFAULT_DATA,
    url: Url = "",
    token_file: TokenFile = None,
    ca_file: CaFile = None,
) -> None:
    """Propose that an agent may act again; another person approves it."""
    from auditspan.collector.control.client import connect

    demanded(reason=reason)
    said = why(requested_by, ticket, reason)
    with connect(target_of(data, url, token_file, ca_file)) as client:
        outcome = client.enable(id, said)
    if outcome["applied"]:
        typer.echo(f"{safe(id)} is enabled since {safe(outcome['at'])}")
    print_decision(outcome)
