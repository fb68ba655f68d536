"""`auditspan apply`, `show`, `history` and `diff`: the registry as code."""

import typer


def register(app: typer.Typer) -> None:
    """Add the commands."""
