"""`auditspan show`: what an agent may do, who may use a tool, and what the policies say.

Persons and services are in `show_members`.
"""

import time
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text
from rich.tree import Tree

from auditspan.cli import show_members
from auditspan.cli.output import Format, emit
from auditspan.cli.target import DEFAULT_DATA, CaFile, Data, TokenFile, Url, target_of
from auditspan.cli.terminal import out, safe

if TYPE_CHECKING:
    from auditspan.collector.control.overview import GrantState, Rule
    from auditspan.registry import Registry, Tool

_STYLES = {
    "in force": "green",
    "expired": "red",
    "not yet": "yellow",
    "allow": "green",
    "deny": "red",
}
_AGENTS = ("id", "name", "version", "owner", "risk_tier", "environments", "roles", "disabled")
_TOOLS = ("name", "server", "effect", "target", "data_class", "review_required", "retention_class")
_RULES = ("id", "effect", "outcome", "file", "line")
_GRANTS = ("id", "state", "grantor", "users", "roles", "tools", "environments", "expires_at")

show = typer.Typer(help="What the registry in force says.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="Which one; without it all are listed.")]
Form = Annotated[Format, typer.Option("--format", help="How to write it.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    show_members.register(show)
    app.add_typer(show, name="show")


@show.command()
def agent(
    name: Name = "",
    data: Data = DEFAULT_DATA,
    url: Url = "",
    token_file: TokenFile = None,
    ca_file: CaFile = None,
    format: Form = Format.TABLE,
) -> None:
    """What an agent may do: its grants, tools and policies, and until when."""
    from auditspan.collector.control.overview import of_the_agent

    registry = _in_force(data, url, token_file, ca_file)
    if not name:
        emit([_plain(one) for one in registry.agents.values()], _AGENTS, format)
        return
    view = of_the_agent(registry, name, time.time_ns())
    if format is not Format.TABLE:
        emit([_grant(state) for state in view.grants], _GRANTS, format)
        return
    one = view.agent
    tree = Tree(_line(f"agent {one.id}", "bold", f"{one.name} {one.version}".strip()))
    _facts(tree, _plain(one), ("owner", "owner_email", "purpose", "risk_tier", "environments"))
    _facts(tree, _plain(one), ("roles", "tags", "system_id"))
    if one.disabled:
        tree.add(_line("disabled: it may do nothing", "red"))
    _grants(tree, view.grants, with_tools=True)
    _rules(tree, "policies that name it", view.rules)
    _rules(tree, "policies for every agent", view.common)
    out().print(tree)


@show.command()
def tool(
    name: Name = "",
    data: Data = DEFAULT_DATA,
    url: Url = "",
    token_file: TokenFile = None,
    ca_file: CaFile = None,
    format: Form = Format.TABLE,
) -> None:
    """A tool, the grants that cover it and the policies that name it."""
    from auditspan.collector.control.overview import of_the_tool

    registry = _in_force(data, url, token_file, ca_file)
    if not name:
        rows = [{**_plain(t), "target": t.target.type} for t in registry.tools.values()]
        emit(rows, _TOOLS, format)
        return
    view = of_the_tool(registry, name, time.time_ns())
    if format is not Format.TABLE:
        emit([_grant(state) for state in view.grants], _GRANTS, format)
        return
    tree = Tree(_tool_line(view.tool))
    facts = {**_plain(view.tool), "target": f"{view.tool.target.type} {view.tool.target.id}"}
    _facts(tree, facts, ("server", "version", "target", "data_class", "data_subjects"))
    _facts(tree, facts, ("retention_class", "capture", "schema_hash", "description_hash"))
    _grants(tree, view.grants, with_tools=False)
    _rules(tree, "policies that name it", view.rules)
    _rules(tree, "policies for every tool", view.common)
    out().print(tree)


@show.command()
def policy(
    name: Annotated[str, typer.Argument(help="Its @id or file; without it all.")] = "",
    data: Data = DEFAULT_DATA,
    url: Url = "",
    token_file: TokenFile = None,
    ca_file: CaFile = None,
    format: Form = Format.TABLE,
) -> None:
    """The policies in force; with a name, their text."""
    from auditspan.collector.control.errors import NotFound
    from auditspan.collector.control.overview import rules
    from auditspan.registry.problems import nearest

    found = rules(_in_force(data, url, token_file, ca_file))
    chosen = [rule for rule in found if name in ("", rule.id, rule.file, rule.file[9:])]
    if name and not chosen:
        raise NotFound(f"no policy is called {name!r}" + nearest(name, (r.id for r in found)))
    if name and format is Format.TABLE:
        for rule in chosen:
            out().print(_line(f"// {rule.file}:{rule.line}", "dim"))
            out().print(Text(safe(rule.text, lines=True) + "\n"))
        return
    columns = (*_RULES, "text") if format is not Format.TABLE else _RULES
    emit([{key: getattr(rule, key) for key in columns} for rule in chosen], columns, format)


def _in_force(data: Any, url: str, token_file: Any, ca_file: Any) -> "Registry":
    from auditspan.collector.control.client import connect

    with connect(target_of(data, url, token_file, ca_file)) as client:
        return client.bundle().registry()


def _plain(model: Any) -> dict[str, Any]:
    fields: dict[str, Any] = model.model_dump(mode="json")
    return fields


def _grant(state: "GrantState") -> dict[str, Any]:
    return {**_plain(state.grant), "state": state.state}


def _grants(tree: Tree, states: Iterable["GrantState"], *, with_tools: bool) -> None:
    branch = tree.add(_line("grants", "bold"))
    for state in states:
        grant = state.grant
        who = ", ".join((*grant.users, *(f"role {role}" for role in grant.roles))) or "any user"
        until = grant.expires_at.isoformat().replace("+00:00", "Z")
        head = f"{grant.id}: {grant.agent} for {who} by {grant.grantor}, until {until} "
        line = branch.add(_line(head, "").append(f"({state.state})", style=_STYLES[state.state]))
        fields = ("purpose", "operations", "targets", "environments", "ticket")
        _facts(line, _plain(grant), fields)
        if with_tools:
            for tool in state.tools:
                line.add(_tool_line(tool))
    if not branch.children:
        branch.add(_line("none: nothing is permitted", "yellow"))


def _tool_line(tool: "Tool") -> Text:
    target = f" on {tool.target.type}" if tool.target.type else ""
    line = _line(f"tool {tool.name}", "bold", f"{tool.effect}{target}")
    return line.append("  review required", style="yellow") if tool.review_required else line


def _rules(tree: Tree, title: str, rules: Iterable["Rule"]) -> None:
    branch = tree.add(_line(title, "bold"))
    for rule in rules:
        style = "green" if rule.effect == "permit" else "red"
        branch.add(
            _line(rule.effect, style, f"{rule.id or 'without @id'}  {rule.file}:{rule.line}")
        )
    if not branch.children:
        branch.add(_line("none", "dim"))


def _facts(tree: Tree, fields: Mapping[str, Any], names: Iterable[str]) -> None:
    for name in names:
        value = fields[name]
        text = ", ".join(map(str, value)) if isinstance(value, list) else str(value or "")
        if isinstance(value, dict):
            text = ", ".join(f"{key} {item}" for key, item in value.items())
        if text.strip():
            tree.add(_line(name.replace("_", " ") + ":", "dim", text))


def _line(head: str, style: str, rest: str = "") -> Text:
    line = Text.assemble((safe(head), style))
    return line.append(f" {safe(rest)}") if rest else line
