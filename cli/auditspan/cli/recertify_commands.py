"""`auditspan recertify`: ask owners whether agents and grants are still needed, and answer."""

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from auditspan.cli.keys_commands import seconds_of
from auditspan.cli.output import Format, emit
from auditspan.cli.query_commands import say
from auditspan.cli.said import Reason, Ticket, demanded, why
from auditspan.cli.target import DEFAULT_DATA, CaFile, Data, TokenFile, Url, target_of
from auditspan.cli.terminal import safe

_SHOWN = (
    "owner",
    "item",
    "risk_tier",
    "last_used_at",
    "last_use",
    "expires_at",
    "state",
    "verdict",
    "unanswered_since",
    "due_at",
)
_ALL = (
    "owner",
    "owner_email",
    "item",
    "agent",
    "yours",
    "risk_tier",
    "last_used_at",
    "last_use",
    "expires_at",
    "state",
    "verdict",
    "answered_at",
    "answered_by",
    "answered_as",
    "unanswered_since",
    "due_at",
)
_CAMPAIGN = (
    "campaign",
    "state",
    "started_at",
    "started_by",
    "due_at",
    "items",
    "answered",
    "unanswered",
    "overdue",
    "late",
)
Form = Annotated[Format, typer.Option("--format", help="How to write it.")]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(recertify)


def recertify(
    what: Annotated[
        str,
        typer.Argument(
            metavar="[start | status | agent:ID | grant:ID]",
            help="Ask all owners, see how far that is, or answer for one item; without it, list.",
        ),
    ] = "",
    due: Annotated[str, typer.Option(help="With start: owners have so long, as 14d or 12h.")] = "",
    verdict: Annotated[str, typer.Option(help="With an item: keep, change or revoke.")] = "",
    reason: Reason = "",
    ticket: Ticket = "",
    mine: Annotated[bool, typer.Option("--mine", help="List what you own.")] = False,
    open_only: Annotated[bool, typer.Option("--open", help="List what is not answered.")] = False,
    format: Form = Format.TABLE,
    data: Data = DEFAULT_DATA,
    url: Url = "",
    token_file: TokenFile = None,
    ca_file: CaFile = None,
) -> None:
    """List every agent and grant by owner with its last use, ask their owners, or answer.

    An answer is given by the owner, whom the registry names by id or e-mail, or by the role policy.
    It changes nothing by itself; what to do next is said.
    """
    from auditspan.collector.control.client import connect

    with connect(target_of(data, url, token_file, ca_file)) as client:
        human = client.human()
        if what == "start":
            _needed("--due", due, "how long owners have, as 14d")
            _started(human.start(seconds_of(due), why("", ticket, reason)))
        elif what == "status":
            emit(human.campaigns(), _CAMPAIGN, format)
        elif what:
            from auditspan.collector.control.recertify import Verdict

            _needed("--verdict", verdict, "keep, change or revoke")
            demanded(reason=reason)
            _answered(human.answer(Verdict(what, verdict), why("", ticket, reason)))
        else:
            _listed(human.items(), mine, open_only, format)


def _needed(option: str, value: str, expected: str) -> None:
    if not value:
        raise typer.BadParameter(f"{option} is missing: {expected}")


def _started(campaign: Mapping[str, Any]) -> None:
    typer.echo(
        f"recertification {safe(campaign['campaign'])}: {campaign['items']} items, owners have "
        f"until {safe(campaign['due_at'])}"
    )
    say("owners see theirs with `auditspan recertify --mine` and answer with "
        "`auditspan recertify agent:ID --verdict keep --reason …`")  # fmt: skip


def _answered(done: Mapping[str, Any]) -> None:
    late = ", after the due date" if done["late"] else ""
    typer.echo(
        f"{safe(done['item'])}: {safe(done['verdict'])} by {safe(done['by'])} "
        f"as {safe(done['as'])}{late}"
    )
    for line in next_steps(str(done["item"]), str(done["verdict"])):
        say(line)


def next_steps(item: str, verdict: str) -> list[str]:
    """What has to be done for the answer to come true, as commands."""
    kind, _, name = item.partition(":")
    if verdict == "keep":
        return []
    steps = ["nothing has changed yet:"]
    if verdict == "revoke" and kind == "agent":
        steps.append(f"  auditspan agents disable {name} --reason …     stops it at once")
    deed = "take it out of" if verdict == "revoke" else "change it in"
    steps.append(f"  {deed} {kind}s/*.yaml of your registry folder, and propose that with")
    steps.append("  auditspan apply FOLDER --ticket … --reason …")
    return steps


def _listed(items: list[dict[str, Any]], mine: bool, open_only: bool, format: Format) -> None:
    rows = [
        item
        for item in items
        if (item["yours"] or not mine) and (item["state"] != "answered" or not open_only)
    ]
    emit(rows, _SHOWN if format is Format.TABLE else _ALL, format)
    waiting = sum(row["state"] in ("unanswered", "overdue") for row in rows)
    say(f"{len(rows):,} agents and grants, {waiting:,} without an answer")
