"""The options in which a person says why; who they are their credential proves."""

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from auditspan.collector.control.records import Why

RequestedBy = Annotated[
    str,
    typer.Option("--requested-by", help="On whose behalf, as you say; you are recorded anyway."),
]
Ticket = Annotated[str, typer.Option("--ticket", help="Where it was asked for.")]
Reason = Annotated[str, typer.Option("--reason", help="Why.")]


def why(requested_by: str, ticket: str, reason: str, approved_by: str = "") -> "Why":
    """What was said, checked."""
    from auditspan.collector.control.records import why_of

    return why_of(requested_by, ticket, reason, approved_by)


def demanded(**options: str) -> None:
    """Every change says why: raises for an option that was left out."""
    missing = [f"--{name.replace('_', '-')}" for name, text in options.items() if not text.strip()]
    if missing:
        raise typer.BadParameter(f"{', '.join(missing)}: every change says why")
