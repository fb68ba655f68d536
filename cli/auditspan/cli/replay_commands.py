"""`auditspan replay`: run past conversations through a real agent loop, under the instrumentation.

The conversations run in a process of their own, started as a user starts an agent:
`opentelemetry-instrument python -m auditspan.instrumentation.replay FILE`. It says how far it is in
lines of JSON on its standard output.
"""

import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from auditspan.cli.errors import CollectorBusy, ReplayFailed
from auditspan.cli.exits import Exit
from auditspan.cli.target import DEFAULT_DATA, Data
from auditspan.cli.terminal import err, out, safe

_DEFAULT_ENDPOINT = "http://localhost:4318"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(replay)


def replay(
    file: Annotated[Path, typer.Argument(metavar="FILE.jsonl", help="A conversation a line.")],
    limit: Annotated[int | None, typer.Option(min=1, help="Run the first so many only.")] = None,
    concurrency: Annotated[int, typer.Option(min=1, max=64, help="How many at once.")] = 1,
    agent: Annotated[str, typer.Option(help="Id of the agent they belong to.")] = "",
    endpoint: Annotated[
        str, typer.Option(help="Where OTLP goes; without it the collector of --data.")
    ] = "",
    key_file: Annotated[
        Path | None, typer.Option(help="File with the agent's API key, mode 0600.")
    ] = None,
    data: Data = DEFAULT_DATA,
) -> None:
    """Run past conversations through a real agent loop; the model is played back.

    Exit code 3: the collector does not have all records yet, they wait on this machine.
    """
    arguments = [str(file), "--concurrency", str(concurrency)]
    arguments += ["--limit", str(limit)] if limit else []
    arguments += ["--agent", agent] if agent else []
    environ = environment(os.environ, endpoint or _endpoint(data), agent, key_file)
    last = _run([*_command(), *arguments], environ)
    if last.get("event") != "end":
        raise ReplayFailed(str(last.get("message") or "the replay ended before its end"))
    _tell(last, data)
    if not last.get("delivered"):
        err().print(
            "the collector does not have all records yet: they are kept on this machine, and sent "
            "when an agent with the same spool runs next",
            soft_wrap=True,
        )
        raise typer.Exit(Exit.UNAVAILABLE)


def environment(
    outer: Mapping[str, str], endpoint: str, agent: str, key_file: Path | None
) -> dict[str, str]:
    """The environment of the process: the outer one, and what the options say."""
    environ = dict(outer)
    environ["AUDITSPAN_ENDPOINT"] = endpoint
    environ.setdefault("OTEL_PYTHON_DISTRO", "auditspan")
    environ.setdefault("OTEL_PYTHON_CONFIGURATOR", "auditspan")
    environ.setdefault("OTEL_SERVICE_NAME", "auditspan-replay")
    if agent:
        environ["AUDITSPAN_AGENT_ID"] = agent
    if key_file is not None:
        from auditspan.identity.files import read_private

        key = read_private(key_file).decode().strip()
        environ["OTEL_EXPORTER_OTLP_HEADERS"] = f"authorization=Bearer%20{quote(key, safe='')}"
        environ.pop("OTEL_EXPORTER_OTLP_TRACES_HEADERS", None)
    return environ


def events(lines: Iterable[str]) -> Iterator[dict[str, Any]]:
    """The progress lines among everything that the process writes."""
    for line in lines:
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if isinstance(event, dict) and isinstance(event.get("event"), str):
            yield event


def _run(command: list[str], environ: Mapping[str, str]) -> dict[str, Any]:
    """Run the process under a progress bar; its last word."""
    last: dict[str, Any] = {}
    with (
        subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, text=True) as process,  # noqa: S603 (no shell)
        Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[calls]}"),
            TimeElapsedColumn(),
            console=err(),
            transient=True,
        ) as bar,
    ):
        assert process.stdout is not None
        task = bar.add_task("conversations", total=None, calls="")
        for event in events(process.stdout):
            last = {**event, "last_id": event.get("id", last.get("last_id", "ID"))}
            match event["event"]:
                case "start":
                    bar.update(task, total=event.get("conversations"))
                case "conversation":
                    model, tool = event.get("model_calls", 0), event.get("tool_calls", 0)
                    calls = f"{model} model, {tool} tool calls"
                    bar.update(task, completed=event.get("done"), calls=calls)
    return last


def _tell(last: Mapping[str, Any], data: Path) -> None:
    conversations, seconds = int(last.get("conversations", 0)), float(last.get("seconds", 0))
    out().print(
        f"{conversations:,} conversations: {int(last.get('model_calls', 0)):,} model calls, "
        f"{int(last.get('tool_calls', 0)):,} tool calls, {int(last.get('denied', 0)):,} stopped by "
        f"policy, in {seconds:.1f} s",
        soft_wrap=True,
    )
    option = "" if data == DEFAULT_DATA else f" --data {safe(data)}"
    trace = f"trace --conversation {safe(shlex.quote(str(last['last_id'])))}"
    for command in ("search --since 1h", "ask attempts --since 1h", trace):
        out().print(f"  auditspan {command}{option}", soft_wrap=True)


def _command() -> list[str]:
    beside = Path(sys.executable).with_name("opentelemetry-instrument")
    found = str(beside) if beside.exists() else shutil.which("opentelemetry-instrument")
    if not found:
        raise ReplayFailed(
            "opentelemetry-instrument is not installed: run pip install 'auditspan[openai]'"
        )
    return [found, sys.executable, "-m", "auditspan.instrumentation.replay"]


def _endpoint(data: Path) -> str:
    """Where the collector of a data folder takes OTLP over HTTP.

    Raises `CollectorBusy` if a folder was named and no collector runs on it: what the records are
    meant for is that one, not whatever listens on the usual port.
    """
    try:
        fields = json.loads((data / "front.json").read_text())
    except (OSError, ValueError):
        fields = None
    address = fields.get("http") if isinstance(fields, dict) else None
    if not address:
        if data != DEFAULT_DATA:
            raise CollectorBusy(
                f"no collector takes records for {data}: start it with "
                f"`auditspan up --data {data}`, or name an address with --endpoint"
            )
        return _DEFAULT_ENDPOINT
    return str(address) if "://" in str(address) else f"http://{address}"
