"""`auditspan verify`: whether the trail is what was sealed."""

from pathlib import Path
from typing import Annotated

import typer

from auditspan.cli.errors import OptionInvalid
from auditspan.cli.kept_anchors import asked_anchors, saved_notes
from auditspan.cli.output import Format, print_json
from auditspan.cli.progress_bar import progress_bar
from auditspan.cli.query_commands import Form, Since, Until
from auditspan.cli.sealed_options import Anchors, Policy, ServerUrl, report_name, window_of
from auditspan.cli.sealed_store import Where, sealed_store
from auditspan.cli.store import StoreUser
from auditspan.cli.target import DEFAULT_DATA, CaFile, Data, TokenFile
from auditspan.cli.verdict import CODES, show

Config = Annotated[
    Path | None,
    typer.Option("--config", help="The collector's configuration: its anchors are asked now."),
]
TsaRoots = Annotated[
    Path | None,
    typer.Option("--tsa-roots", help="PEM file of roots that time stamps must end in."),
]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(
        epilog="Exit codes: 0 VALID; 1 INVALID; 2 UNVERIFIABLE, or wrong usage; 3 unavailable, try "
        "again; 4 a fault of auditspan."
    )(verify)


def verify(
    since: Since = "",
    until: Until = "",
    anchors: Anchors = None,
    config: Config = None,
    tsa_roots: TsaRoots = None,
    policy: Policy = None,
    format: Form = Format.TABLE,
    data: Data = DEFAULT_DATA,
    url: ServerUrl = "",
    user_name: StoreUser = "default",
    token_file: TokenFile = None,
    ca_file: CaFile = None,
) -> None:
    """Recompute every record, rebuild every signed tree, and say whether anything was changed.

    Logs are checked as a whole; with --since and --until only records of that time are recomputed.
    """
    from auditspan.reports.verification.inputs import Inputs
    from auditspan.reports.verification.run import run

    if format is Format.CSV:
        raise OptionInvalid("--format csv: a verdict is no listing, use table or json")
    window = window_of(since, until)
    said = report_name("verify", since, until)
    where = Where(data, url, user_name, token_file, ca_file, policy, said)
    saved, asked = saved_notes(anchors), asked_anchors(where, config, tsa_roots)
    with sealed_store(where) as store, progress_bar() as progress:
        given = Inputs(
            store.trust,
            store.notes,
            saved,
            *asked,
            settle=store.settle,
            patience=store.patience,
            at_once=store.at_once,
        )
        report = run(store.ask, given, window, progress)
    if format is Format.JSON:
        print_json(report.as_dict())
    else:
        show(report)
    raise typer.Exit(CODES[report.verdict])
