"""What is derived from the registry and the tables: ALIAS columns and views."""

from auditspan.storage.engine import Engine


def synchronise(engine: Engine) -> None:
    """Bring ALIAS columns and views up to date."""
