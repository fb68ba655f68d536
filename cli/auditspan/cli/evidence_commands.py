"""`auditspan evidence`: packages that an auditor verifies without us."""

from datetime import UTC, datetime
from importlib.metadata import version
from typing import Annotated

import typer

from auditspan.cli.exits import Exit
from auditspan.cli.kept_anchors import kept_receipts, saved_notes
from auditspan.cli.output_file import output_file
from auditspan.cli.progress_bar import progress_bar
from auditspan.cli.query_commands import Since, Until, say
from auditspan.cli.sealed_options import Anchors, Out, Policy, ServerUrl, report_name, window_of
from auditspan.cli.sealed_store import Where, sealed_store
from auditspan.cli.store import StoreUser
from auditspan.cli.target import DEFAULT_DATA, CaFile, Data, TokenFile

evidence = typer.Typer(help="Packages of evidence for an auditor.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(evidence, name="evidence")


@evidence.command()
def build(
    output: Out,
    since: Since = "",
    until: Until = "",
    agent: Annotated[list[str] | None, typer.Option(help="Id or name; repeatable.")] = None,
    user: Annotated[list[str] | None, typer.Option(help="Id or e-mail; repeatable.")] = None,
    tool: Annotated[list[str] | None, typer.Option(help="Name; repeatable.")] = None,
    conversation: Annotated[list[str] | None, typer.Option(help="Id; repeatable.")] = None,
    trace: Annotated[list[str] | None, typer.Option(help="Id; repeatable.")] = None,
    record: Annotated[list[str] | None, typer.Option(help="Id; repeatable.")] = None,
    outcome: Annotated[list[str] | None, typer.Option(help="As denied; repeatable.")] = None,
    finding: Annotated[list[str] | None, typer.Option(help="As policy.bypass; repeatable.")] = None,
    complete: Annotated[
        bool,
        typer.Option(
            "--complete",
            help="Prove that no record is left out: the core of all others of that time is in "
            "the package too (no content, no names).",
        ),
    ] = False,
    anchors: Anchors = None,
    policy: Policy = None,
    data: Data = DEFAULT_DATA,
    url: ServerUrl = "",
    user_name: StoreUser = "default",
    token_file: TokenFile = None,
    ca_file: CaFile = None,
) -> None:
    """Write a package that an auditor verifies without us: records, seals, proofs, signed notes.

    It is checked with `python3 -I verify.py case.zip --policy policy.txt`. It holds content.
    """
    given = locals()
    from auditspan.reports.verification.evidence import Wanted
    from auditspan.reports.verification.evidence import build as built
    from auditspan.reports.verification.sealed_log import SealedLogs
    from auditspan.storage.sealing.recompute_rows import FILTERS

    filters = {name: list(given[name] or ()) for name in FILTERS}
    said = report_name("evidence build", since, until, filters)
    manifest = {
        "tool": f"auditspan {version('auditspan')}",
        "made_at": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "asked": said,
        "since": since,
        "until": until,
        "filters": {name: values for name, values in filters.items() if values},
    }
    saved = saved_notes(anchors)
    where = Where(data, url, user_name, token_file, ca_file, policy, said)
    receipts = kept_receipts(where)
    wanted = Wanted(window_of(since, until), filters, complete, saved, manifest, receipts)
    with output_file(output) as file, sealed_store(where) as store, progress_bar() as progress:
        logs = SealedLogs(store.ask, store.trust, store.notes())
        found = built(store.ask, logs, wanted, file, progress)
        store.rows = found.shown + found.hidden
    say(
        f"{found.shown:,} records shown, {found.hidden:,} with their core alone, "
        f"{found.entries:,} entries of {found.logs} logs: {output}"
    )
    for warning in found.warnings:
        say(f"not proved: {warning}")
    say("give the auditor verify.py and the policy another way: see README.txt in it")
    if found.damaged:
        raise typer.Exit(Exit.FOUND)
