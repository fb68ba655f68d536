"""`auditspan show principal` and `show controls`: who has which role, and who may change that."""

from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text
from rich.tree import Tree

from auditspan.cli.output import Format, emit
from auditspan.cli.target import DEFAULT_DATA, CaFile, Data, TokenFile, Url, target_of
from auditspan.cli.terminal import out, safe

if TYPE_CHECKING:
    from auditspan.registry import Member, Registry

_MEMBERS = ("id", "name", "email", "roles", "disabled")
_CONTROLS = ("single_operator", "approvers", "operator_token")

Form = Annotated[Format, typer.Option("--format", help="How to write it.")]


def register(show: typer.Typer) -> None:
    """Add the commands to `show`."""
    show.command()(principal)
    show.command()(controls)


def principal(
    name: Annotated[str, typer.Argument(help="Its id, as person:ann; without it all.")] = "",
    data: Data = DEFAULT_DATA,
    url: Url = "",
    token_file: TokenFile = None,
    ca_file: CaFile = None,
    format: Form = Format.TABLE,
) -> None:
    """Persons and services, their roles, and what proves them."""
    from auditspan.collector.control.errors import NotFound
    from auditspan.registry.problems import nearest

    members = _in_force(data, url, token_file, ca_file).principals
    if name and name not in members:
        raise NotFound(f"no principal is called {name!r}" + nearest(name, members))
    if name and format is Format.TABLE:
        out().print(_tree(members[name]))
        return
    chosen = [member for id, member in members.items() if name in ("", id)]
    emit([member.model_dump(mode="json") for member in chosen], _MEMBERS, format)


def controls(
    data: Data = DEFAULT_DATA,
    url: Url = "",
    token_file: TokenFile = None,
    ca_file: CaFile = None,
    format: Form = Format.TABLE,
) -> None:
    """Whether one person may change the registry alone, and who may approve a change."""
    from auditspan.collector.access.standing import standing

    registry = _in_force(data, url, token_file, ca_file)
    row = {
        "single_operator": registry.controls.single_operator,
        "approvers": list(registry.approvers()),
        "operator_token": standing(registry).why,
    }
    emit([row], _CONTROLS, format)


def _in_force(data: Any, url: str, token_file: Any, ca_file: Any) -> "Registry":
    from auditspan.collector.control.client import connect

    with connect(target_of(data, url, token_file, ca_file)) as client:
        return client.bundle().registry()


def _tree(member: "Member") -> Tree:
    from auditspan.identity.roles import Role, actions_of

    tree = Tree(Text.assemble((safe(member.id), "bold"), f" {safe(member.name)}"))
    if member.disabled:
        tree.add(Text("disabled: it may do nothing", style="red"))
    if member.email:
        tree.add(Text.assemble(("e-mail: ", "dim"), safe(member.email)))
    roles = tree.add(Text.assemble(("roles: ", "dim"), ", ".join(member.roles) or "none"))
    for action in sorted(actions_of(Role(word) for word in member.roles)):
        roles.add(Text(f"may {action}"))
    proved = tree.add(Text.assemble(("proved by: ", "dim"), "API keys (`auditspan keys list`)"))
    for bound in member.credentials.jwt:
        proved.add(Text(safe(f"tokens of {bound.issuer} with the subject {bound.subject}")))
    for uri in member.credentials.spiffe:
        proved.add(Text(safe(f"client certificates of {uri}")))
    return tree
