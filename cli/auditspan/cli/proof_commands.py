"""`auditspan proof`: that a record is in its log, in a file that verifies by itself."""

from typing import Annotated

import typer

from auditspan.cli.exits import Exit
from auditspan.cli.output_file import SHARED, output_file
from auditspan.cli.query_commands import say
from auditspan.cli.sealed_options import Out, Policy, ServerUrl
from auditspan.cli.sealed_store import Where, sealed_store
from auditspan.cli.store import StoreUser
from auditspan.cli.target import DEFAULT_DATA, CaFile, Data, TokenFile


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(proof)


def proof(
    record_id: Annotated[str, typer.Argument(help="Id of the record.")],
    output: Out,
    policy: Policy = None,
    data: Data = DEFAULT_DATA,
    url: ServerUrl = "",
    user_name: StoreUser = "default",
    token_file: TokenFile = None,
    ca_file: CaFile = None,
) -> None:
    """Write a proof that a record is in its log, as https://c2sp.org/tlog-proof has it."""
    from auditspan.reports.verification.proof import proof_of
    from auditspan.reports.verification.sealed_log import SealedLogs

    where = Where(data, url, user_name, token_file, ca_file, policy, f"proof {record_id}")
    with output_file(output, mode=SHARED) as file, sealed_store(where) as store:
        logs = SealedLogs(store.ask, store.trust, store.notes())
        logs.load()
        made = proof_of(logs, record_id)
        store.rows = 1
        file.write(made.encode())
    say(f"index {made.index}, {len(made.hashes)} hashes: {output}")
    for damage in logs.damage():
        say(f"not proved: {damage}")
    if logs.problems:
        raise typer.Exit(Exit.FOUND)
