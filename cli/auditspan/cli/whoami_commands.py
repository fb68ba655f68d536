"""`auditspan whoami`: who a token proves, in which roles, and what those allow."""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any

import typer
from rich.text import Text
from rich.tree import Tree

from auditspan.cli.output import Format, emit, print_json
from auditspan.cli.target import DEFAULT_DATA, CaFile, Data, TokenFile, Url
from auditspan.cli.terminal import out, safe

_COLUMNS = ("action", "allowed", "takes")
_PROOF = {
    "operator_token": "the operator's token",
    "api_key": "the API key",
    "jwt": "a token of the identity provider,",
    "mtls": "the client certificate",
}
"""How a method is called; the credential that follows is an id or digest, never a secret."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(whoami)


def whoami(
    data: Data = DEFAULT_DATA,
    url: Url = "",
    token_file: TokenFile = None,
    ca_file: CaFile = None,
    format: Annotated[Format, typer.Option(help="How to write it.")] = Format.TABLE,
) -> None:
    """Who you are to a collector, how that is proved, and what you may do."""
    from auditspan.collector.access.client import whoami as asked

    found = dict(asked(data, url, token_file, ca_file))
    if format is Format.JSON:
        print_json(found)
        return
    rows = list(_actions(found))
    if format is Format.CSV:
        emit(rows, _COLUMNS, format)
        return
    out().print(_tree(found, rows))


def _actions(found: Mapping[str, Any]) -> Iterable[dict[str, str]]:
    """Every action, whether it is allowed, and which roles it takes."""
    from auditspan.collector.access.whoami import roles_for
    from auditspan.identity.roles import Action

    for action in Action:
        allowed = "yes" if action in found["actions"] else "no"
        yield {"action": action, "allowed": allowed, "takes": " or ".join(roles_for(action))}


def _tree(found: Mapping[str, Any], rows: Iterable[Mapping[str, str]]) -> Tree:
    tree = Tree(Text(safe(found["principal"]), style="bold"))
    proof = _PROOF.get(found["method"], found["method"])
    until = f", until {found['expires_at']}" if found["expires_at"] else ""
    _fact(tree, "proved by", f"{proof} {_short(found['credential'])}{until}")
    _fact(tree, "key issued by", found["issued_by"])
    _fact(tree, "e-mail", found["email"])
    _fact(tree, "registry", _short(found["registry_version"]) or "none in force")
    roles = tree.add(_line("roles:", "dim", ", ".join(found["roles"]) or "none"))
    roles.add(Text(safe(found["why"]), style="dim"))
    may, may_not = tree.add(Text("may", style="bold")), Tree(Text("may not", style="bold"))
    for row in rows:
        if row["allowed"] == "yes":
            may.add(Text(row["action"], style="green"))
        else:
            may_not.add(_line(row["action"], "red", f"takes {row['takes']}"))
    if not may.children:
        may.add(Text("nothing", style="yellow"))
    if may_not.children:
        tree.children.append(may_not)
    return tree


def _short(text: str) -> str:
    """A hash by its first digits, as elsewhere; JSON has it whole."""
    return text[:19] if text.startswith("sha256:") else text


def _fact(tree: Tree, name: str, value: str) -> None:
    if value:
        tree.add(_line(f"{name}:", "dim", value))


def _line(head: str, style: str, rest: str) -> Text:
    return Text.assemble((safe(head), style)).append(f" {safe(rest)}")
