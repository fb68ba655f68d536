"""For a ClickHouse server's administrator: `python -m auditspan.storage roles|schema|migrate`."""

import argparse
import sys
from pathlib import Path

from auditspan.storage.config import StoreConfig
from auditspan.storage.engine import open_engine
from auditspan.storage.errors import StorageError
from auditspan.storage.migrations import migrate, schema_statements
from auditspan.storage.render import Target
from auditspan.storage.roles import role_statements


def main(arguments: list[str] | None = None) -> int:
    """Print the roles or the schema, or bring a server's up to date. 0 if it worked, 1 if not."""
    options = _parser().parse_args(arguments)
    if options.what != "migrate":
        target = Target(options.database, options.cluster)
        made = role_statements(target) if options.what == "roles" else schema_statements(target)
        sys.stdout.write("".join(f"{text};\n\n" for text in made))
        return 0
    config = StoreConfig(
        url=options.url,
        user=options.user,
        password_file=options.password_file,
        database=options.database,
        cluster=options.cluster,
    )
    try:
        engine = open_engine(config)
        numbers = migrate(engine)
        engine.close()
    except StorageError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    applied = ", ".join(map(str, numbers)) or "nothing, the schema is up to date"
    sys.stdout.write(f"applied: {applied}\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m auditspan.storage", description=__doc__)
    parser.add_argument("what", choices=["roles", "schema", "migrate"])
    parser.add_argument("--url", default="", help="of the server, without user and password")
    parser.add_argument("--user", default="default")
    parser.add_argument("--password-file", type=Path)
    parser.add_argument("--database", default="auditspan")
    parser.add_argument("--cluster", default="", help="name of the cluster for ON CLUSTER")
    return parser


if __name__ == "__main__":
    sys.exit(main())
