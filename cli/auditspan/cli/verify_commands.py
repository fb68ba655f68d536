"""`auditspan verify`, `proof`, `evidence` and `log`: whether the trail is what was sealed."""

import contextlib
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from auditspan.cli.errors import OptionInvalid
from auditspan.cli.output import Format, print_json
from auditspan.cli.private_file import private_file
from auditspan.cli.query_commands import Form, Since, Until, say
from auditspan.cli.sealed_store import SealedStore, Where, sealed_store
from auditspan.cli.store import StoreUser
from auditspan.cli.target import DEFAULT_DATA, CaFile, Data, TokenFile
from auditspan.cli.terminal import err, out, safe
from auditspan.cli.url_option import http_url

if TYPE_CHECKING:
    from auditspan.integrity.anchors import Receipt
    from auditspan.reports.verification.asking import Progress
    from auditspan.reports.verification.report import Problem, Report
    from auditspan.reports.verification.window import Window

_SHOWN = 20
_CODES = {"VALID": 0, "INVALID": 1, "UNVERIFIABLE": 2}
_COLOURS = {"VALID": "bold green", "INVALID": "bold red", "UNVERIFIABLE": "bold yellow"}

ServerUrl = Annotated[
    str,
    typer.Option(
        "--url",
        callback=http_url,
        help="Address of a collector's API instead, or of a ClickHouse server whose tables to "
        "read, as https://host:8443; --token-file is the file with the user's password then.",
    ),
]
Policy = Annotated[
    Path | None,
    typer.Option(
        "--policy",
        help="Whose keys to trust: a file as https://c2sp.org/tlog-policy, got another way.",
    ),
]
Anchors = Annotated[
    list[Path] | None,
    typer.Option("--anchors", help="Notes that were saved: a file, or a folder; repeatable."),
]
Config = Annotated[
    Path | None,
    typer.Option("--config", help="The collector's configuration: its anchors are asked now."),
]
TsaRoots = Annotated[
    Path | None,
    typer.Option("--tsa-roots", help="PEM file of roots that time stamps must end in."),
]
Out = Annotated[Path, typer.Option("-o", "--output", help="File to write.")]

log = typer.Typer(help="The logs that records are sealed in.", no_args_is_help=True)
evidence = typer.Typer(help="Packages of evidence for an auditor.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(
        epilog="Exit codes: 0 VALID; 1 INVALID; 2 UNVERIFIABLE, or wrong usage; 3 unavailable, try "
        "again; 4 a fault of auditspan."
    )(verify)
    app.command()(proof)
    app.add_typer(evidence, name="evidence")
    app.add_typer(log, name="log")


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
    from auditspan.reports.verification.logs import Inputs
    from auditspan.reports.verification.run import run

    if format is Format.CSV:
        raise OptionInvalid("--format csv: a verdict is no listing, use table or json")
    window = window_of(since, until)
    where = Where(data, url, user_name, token_file, ca_file, policy, _said("verify", since, until))
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
    raise typer.Exit(_CODES[report.verdict])


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

    where = Where(data, url, user_name, token_file, ca_file, policy, f"proof {record_id}")
    with sealed_store(where) as store:
        made = proof_of(_logs(store), record_id)
        store.rows = 1
    output.write_bytes(made.encode())
    say(f"index {made.index}, {len(made.hashes)} hashes: {output}")


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
    said = _said("evidence build", since, until, filters)
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
    with sealed_store(where) as store, progress_bar() as progress, private_file(output) as file:
        logs = SealedLogs(store.ask, store.trust, store.notes())
        found = built(store.ask, logs, wanted, file, progress)
        store.rows = found.shown + found.hidden
    say(
        f"{found.shown:,} records shown, {found.hidden:,} with their core alone, "
        f"{found.entries:,} entries of {found.logs} logs: {output}"
    )
    say("give the auditor verify.py and the policy another way: see README.txt in it")


@log.command("policy")
def policy_command(
    older: Annotated[
        list[Path] | None,
        typer.Option(
            "--with", help="A policy of before root log or notary got another key; repeatable."
        ),
    ] = None,
    data: Data = DEFAULT_DATA,
) -> None:
    """Print the policy that trusts this collector's keys; hand it to the auditor out of band."""
    from auditspan.cli.merged_policy import merged
    from auditspan.reports.verification.trust import folder_policy

    text = folder_policy(data / "public")
    if older:
        text = merged([*(path.read_bytes() for path in older), text.encode()])
    typer.echo(text, nl=False)


def show(report: "Report") -> None:
    """The verdict as a person reads it."""
    console, population = out(), report.population
    console.print(report.verdict.value, style=_COLOURS[report.verdict], end="")
    console.print(f"  anchored: {report.anchored.value}")
    states = ", ".join(f"{count:,} {state}" for state, count in report.states().items())
    between = f"{population.since or 'the beginning'} to {population.until or 'now'}"
    console.print(
        f"  records   {states or 'none'}\n"
        f"  window    {between}: {population.records:,} records, {population.dead_letters:,} dead "
        f"letters, {population.sequence_gaps:,} gaps in senders' numbers, "
        f"{population.stated_gaps:,} gaps stated by the log"
    )
    if not population.complete:
        console.print(
            "  population incomplete: what lies in the dead letters is not among the records, see "
            "`auditspan deadletter list`",
            soft_wrap=True,
        )
    for one in report.logs:
        anchored = f", anchored up to {one.anchored_size:,}" if one.anchored_size else ""
        console.print(
            f"  log       {safe(one.origin)}: {one.entries:,} entries, signed up to "
            f"{one.size:,} in {one.notes:,} notes{anchored}"
        )
    console.print(f"  {safe(report.keys)}")
    for problem in report.problems[:_SHOWN]:
        console.print(f"  {_line(problem)}")
    if len(report.problems) > _SHOWN:
        console.print(f"  and {len(report.problems) - _SHOWN:,} more: --format json lists all")
    console.print(f"  {report.not_excluded}")


def _line(problem: "Problem") -> str:
    place = f" {problem.log}" if problem.log else ""
    place += f" [{problem.index}]" if problem.index is not None else ""
    record = f" record {problem.record_id}" if problem.record_id else ""
    return safe(f"{problem.weight.value} {problem.kind}{place}{record}: {problem.says}")


def window_of(since: str, until: str) -> "Window":
    """The window that options mean."""
    from auditspan.reports.period import period
    from auditspan.reports.verification.window import Window

    whole = period(since, until, datetime.now(UTC))
    return Window(whole.since if since else None, whole.until if until else None)


def saved_notes(places: Sequence[Path] | None) -> list[tuple[str, bytes]]:
    """Notes of files and folders."""
    from auditspan.reports.verification.anchors import read_notes

    return [note for place in places or () for note in read_notes(place)]


def asked_anchors(
    where: Where, config: Path | None, tsa_roots: Path | None
) -> "tuple[Sequence[Receipt], Sequence[Problem]]":
    """Receipts of the data folder as far as their keepers stand by them, and what does not hold.

    Nobody is asked without a configuration: what was anchored has to be there all the same.
    """
    from auditspan.collector.anchors.checking import checked_receipts
    from auditspan.collector.config import load
    from auditspan.reports.verification.report import Problem, Weight

    if not (where.data / "anchors").is_dir() or (where.url and config is tsa_roots is None):
        return (), ()
    asked = load(config).service.integrity.anchors if config else None
    found = checked_receipts(where.data, asked, tsa_roots)
    refused = [Problem("anchor.refused", Weight.INVALID, words) for words in found.problems]
    unasked = [Problem("anchor.unasked", Weight.UNVERIFIABLE, words) for words in found.unasked]
    return found.receipts, [*refused, *unasked]


def kept_receipts(where: Where) -> "list[Receipt]":
    """Receipts of the data folder as they are; a server's store has none beside it."""
    from auditspan.collector.anchors.checking import checked_receipts

    if where.url or not (where.data / "anchors").is_dir():
        return []
    return checked_receipts(where.data).receipts


@contextlib.contextmanager
def progress_bar() -> Iterator["Progress"]:
    """A bar on a terminal; nothing in a pipe."""
    from rich.progress import Progress as Bar

    from auditspan.reports.verification.asking import silent

    if not sys.stderr.isatty():
        yield silent
        return
    with Bar(console=err(), transient=True) as bar:
        tasks: dict[str, Any] = {}

        def progress(what: str, done: int, of: int) -> None:
            if what not in tasks:
                tasks[what] = bar.add_task(safe(what), total=of)
            bar.update(tasks[what], completed=done, total=of)

        yield progress


def _logs(store: SealedStore) -> Any:
    from auditspan.reports.verification.sealed_log import SealedLogs

    logs = SealedLogs(store.ask, store.trust, store.notes())
    logs.load()
    return logs


def _said(what: str, since: str, until: str, filters: dict[str, list[str]] | None = None) -> str:
    """What was asked, in the way that other reports say it."""
    given = {"since": since, "until": until}
    given |= {name: ",".join(values) for name, values in (filters or {}).items()}
    return " ".join([what, *(f"{name}={value}" for name, value in given.items() if value)])
