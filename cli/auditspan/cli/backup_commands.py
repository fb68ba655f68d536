"""`auditspan backup` and `auditspan restore`: a data folder in one file, and back."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from auditspan.cli.errors import NoStore, OptionInvalid
from auditspan.cli.kept_anchors import asked_anchors
from auditspan.cli.output import Format, print_json
from auditspan.cli.progress_bar import progress_bar
from auditspan.cli.query_commands import Form
from auditspan.cli.said import Reason, RequestedBy, Ticket, why
from auditspan.cli.sealed_options import Policy
from auditspan.cli.target import DEFAULT_DATA, CaFile, Data, TokenFile, target_of
from auditspan.cli.terminal import err, safe
from auditspan.cli.verdict import CODES, show

if TYPE_CHECKING:
    from auditspan.collector.backup.erased_again import Again
    from auditspan.collector.backup.manifest import Taken
    from auditspan.collector.backup.restoring import Restored
    from auditspan.collector.backup.snapshot import Snapshot
    from auditspan.collector.backup.writing import Written
    from auditspan.collector.data_dir import DataDir
    from auditspan.reports.verification.asking import Progress
    from auditspan.reports.verification.report import Report
    from auditspan.storage.engine import Engine


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(backup)
    app.command(
        epilog="Exit codes: 0 VALID; 1 INVALID, or refused; 2 UNVERIFIABLE, no whole backup, or "
        "wrong usage; 3 unavailable, try again; 4 a fault of auditspan."
    )(restore)


def backup(
    output: Annotated[
        Path,
        typer.Option("-o", "--output", help="A name that ends in .tar is a file, else a folder."),
    ],
    with_secrets: Annotated[
        bool,
        typer.Option(
            "--with-secrets",
            help="Keys and tokens too. Whoever has that backup can sign another history in your "
            "name, and read and send as anybody: keep it as you keep the keys.",
        ),
    ] = False,
    requested_by: RequestedBy = "",
    ticket: Ticket = "",
    reason: Reason = "",
    format: Form = Format.TABLE,
    data: Data = DEFAULT_DATA,
    token_file: TokenFile = None,
    ca_file: CaFile = None,
) -> None:
    """Save a data folder as of one moment, while its collector runs or is stopped.

    Records and content are in it as they are stored, not encrypted. That it was made is sealed.
    """
    from auditspan.collector.backup.client import reading
    from auditspan.collector.backup.writing import write
    from auditspan.collector.control.client import connect
    from auditspan.collector.data_dir import DataDir

    _no_listing(format)
    said, written = why(requested_by, ticket, reason), None
    folder = DataDir(data.absolute())
    with connect(target_of(data, "", token_file, ca_file)) as client, progress_bar() as progress:
        backups = client.backups(folder)
        snapshot = backups.begin(secrets_too=with_secrets)
        try:
            with reading(snapshot):
                written = write(snapshot, output, progress)
        finally:
            backups.end(snapshot, written, said)
    _say_made(snapshot, written, format)


def restore(
    source: Annotated[Path, typer.Argument(help="File or folder that `auditspan backup` made.")],
    digest: Annotated[
        str,
        typer.Option(help="SHA-256 that the backup printed: no other backup will do."),
    ] = "",
    accept_invalid: Annotated[
        bool,
        typer.Option("--accept-invalid", help="Put it in place though the verdict is INVALID."),
    ] = False,
    erasures: Annotated[
        list[Path] | None,
        typer.Option(
            "--erasures",
            help="Certificates of what was erased after the backup, as `auditspan erasures "
            "certificate ID --format json` prints them: a file, or a folder; repeatable. The first "
            "start erases it again.",
        ),
    ] = None,
    policy: Policy = None,
    format: Form = Format.TABLE,
    data: Data = DEFAULT_DATA,
) -> None:
    """Make a data folder of a backup, verify it, and put it where there is none."""
    from auditspan.collector.backup.erased_again import certificates
    from auditspan.collector.backup.restoring import restore as restored

    _no_listing(format)
    if not source.exists():
        raise NoStore(f"{source}: there is no backup")
    with progress_bar() as progress:
        verify = _Verified(policy, accept_invalid, progress)
        erased = certificates(erasures or ())
        found = restored(source, data, verify, progress, digest=digest, erased=erased)
    _say_restored(found, data, format)
    raise typer.Exit(CODES[found.checked.verdict] if found.checked else 0)


@dataclass(frozen=True, slots=True)
class _Verified:
    """Verifies a restored store, and refuses what is INVALID unless that is wanted."""

    policy: Path | None
    accept_invalid: bool
    progress: "Progress"

    def __call__(self, data: "DataDir", engine: "Engine") -> "Report":
        """The report. Raises `BackupRefused`."""
        from auditspan.cli.sealed_store import AT_ONCE, SealedStore, Where, asking
        from auditspan.collector.backup.errors import BackupRefused
        from auditspan.reports.verification.inputs import Inputs
        from auditspan.reports.verification.run import run
        from auditspan.reports.verification.trust import of_folder, of_policy

        if self.policy is None:
            trust = of_folder(data.folder("public"))
        else:
            trust = of_policy(self.policy.read_bytes(), str(self.policy))
        store = SealedStore(asking(engine), trust, data.folder("checkpoints"), at_once=AT_ONCE)
        anchored = asked_anchors(Where(data.root), None, None)
        given = Inputs(trust, store.notes, [], *anchored, at_once=store.at_once)
        report = run(store.ask, given, None, self.progress)
        if report.verdict == "INVALID" and not self.accept_invalid:
            show(report)
            raise BackupRefused(
                "the backup is INVALID, and was not put in place; with --accept-invalid it is"
            )
        return report


def _say_made(snapshot: "Snapshot", written: "Written", format: Format) -> None:
    taken = snapshot.taken
    if format is Format.JSON:
        print_json(
            {
                "path": str(written.path),
                "digest": written.digest,
                "files": written.files,
                "bytes": written.bytes,
                **taken.model_dump(exclude={"migrations"}),
            }
        )
        return
    typer.echo(f"{written.path}: {written.files:,} files, {written.bytes:,} bytes")
    typer.echo(f"digest {written.digest}")
    if taken.log:
        typer.echo(f"log {safe(taken.log)}: {taken.size:,} entries, all signed")
    for line in _made_warnings(taken):
        err().print(safe(line), soft_wrap=True)


def _made_warnings(taken: "Taken") -> Iterator[str]:
    if taken.store == "server":
        yield "the records are on a server: its database is not in it (docs/upgrade-and-backup.md)"
    if taken.secrets:
        yield (
            "keys and tokens are in it: whoever has this backup can sign another history in your "
            "name"
        )
    elif taken.left_out:
        yield f"{len(taken.left_out)} secrets are not in it: keep them elsewhere (docs/keys.md)"


def _say_restored(found: "Restored[Report]", data: Path, format: Format) -> None:
    taken = found.manifest.taken
    warnings = [*_restored_warnings(taken, data), *_again(found.again)]
    size = sum(member.size for member in found.manifest.files)
    if format is Format.JSON:
        print_json(
            {
                "path": str(data),
                "digest": found.digest,
                "files": len(found.manifest.files),
                "bytes": size,
                **taken.model_dump(exclude={"migrations"}),
                "verification": found.checked.as_dict() if found.checked else None,
                "erased_again": [
                    {
                        "erasure": each.erasure,
                        "records": each.records,
                        "problem": each.problem,
                        "dead_letters_not_repeated": each.letters,
                    }
                    for each in found.again
                ],
                "warnings": warnings,
            }
        )
        return
    if found.checked is not None:
        show(found.checked)
    typer.echo(
        f"{data}: {len(found.manifest.files):,} files, {size:,} bytes, as of {taken.taken_at}"
    )
    typer.echo(f"digest {found.digest}")
    for line in warnings:
        err().print(safe(line), soft_wrap=True)


def _restored_warnings(taken: "Taken", data: Path) -> Iterator[str]:
    """What is not as it was, for whoever starts the collector."""
    yield (
        f"what was acknowledged, signed, changed or erased after {taken.taken_at} is not here: "
        "what was erased or let go early since is back, and has to go again (auditspan erase, "
        "auditspan retention shorten), but for erasures given by --erasures"
    )
    yield (
        f"collector {taken.instance} must not run on another copy; with anchors it refuses to go "
        "on behind them, and `auditspan up --recover` begins a log that states the gap"
    )
    if taken.left_out:
        names = ", ".join(name.removeprefix("secrets/") for name in taken.left_out)
        yield f"put back before the start, into {data / 'secrets'}: {names}"
    if taken.store == "server":
        yield "the records are on a server and were not looked at: run `auditspan verify`"


def _again(again: "Sequence[Again]") -> Iterator[str]:
    for each in again:
        if each.problem:
            yield f"erasure {each.erasure} is NOT repeated: {each.problem}"
        elif each.records:
            yield (
                f"erasure {each.erasure}: the first start erases {each.records} records and dead "
                "letters again"
            )
        if each.letters:
            yield (
                f"erasure {each.erasure}: {each.letters} dead letters that it erased may be back "
                "and are NOT erased again, for its certificate does not name them: after the start "
                "run `auditspan erase --subject` once more"
            )


def _no_listing(format: Format) -> None:
    if format is Format.CSV:
        raise OptionInvalid("--format csv: this is no listing, use table or json")
