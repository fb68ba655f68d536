"""`auditspan keys`: issue, revoke and list API keys."""

import typer


def register(app: typer.Typer) -> None:
    """Add the commands."""
