"""Proves the adapters with real frameworks, each version in an environment of its own.

    python -m bench.frameworks [NAME…] [--version V] [--variant W] [--case C] [--format json]

Without a narrower choice than names it writes docs/frameworks.json and docs/frameworks.md. Exit
code 1 if a case fails.
"""

import argparse
import json
import platform
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.frameworks import page
from bench.frameworks.environments import Environments, build_wheel
from bench.frameworks.matrix import Outcome, Selection, run_in, run_matrix
from tests.frameworks.cases import PROCESS, TOOLS
from tests.frameworks.listed import Framework, frameworks


def main() -> int:
    """Run what is asked for, print it, write the page."""
    asked = _arguments()
    listed = tuple(each for each in frameworks() if each.name in asked.names or not asked.names)
    selection = Selection(asked.variant, asked.case, asked.version)
    outcomes = _run(asked, listed, selection)
    if asked.format == "json":
        print(json.dumps([outcome.model_dump() for outcome in outcomes], indent=1))
    else:
        Console(width=140).print(_table(outcomes))
    if selection == Selection() and asked.python is None:
        found = page.Found(python=platform.python_version(), outcomes=tuple(outcomes))
        page.write(page.read().with_those(found))
    return int(not outcomes or any(outcome.verdict == "failed" for outcome in outcomes))


def _arguments() -> argparse.Namespace:
    names = [framework.name for framework in frameworks()]
    parser = argparse.ArgumentParser(prog="python -m bench.frameworks")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(names)}")
    parser.add_argument("--version", default="", help="only this version")
    parser.add_argument("--variant", default="", help="only this way into the framework")
    parser.add_argument("--case", default="", choices=["", *TOOLS, *PROCESS])
    parser.add_argument("--format", default="table", choices=["table", "json"])
    parser.add_argument("--jobs", type=int, default=2, help="environments at a time")
    parser.add_argument("--wheel", type=Path, help="of auditspan; built from this tree without it")
    parser.add_argument("--python", type=Path, help="an environment that is there")
    asked = parser.parse_args()
    if unknown := sorted(set(asked.names) - set(names)):
        parser.error(f"no framework {unknown[0]}, expected some of {', '.join(names)}")
    return asked


def _run(
    asked: argparse.Namespace, listed: tuple[Framework, ...], selection: Selection
) -> list[Outcome]:
    if asked.python is not None:
        python = asked.python.absolute()
        return [row for each in listed for row in run_in(python, each, selection, _tell)]
    with tempfile.TemporaryDirectory() as folder:
        wheel = asked.wheel.absolute() if asked.wheel else build_wheel(Path(folder))
        environments = Environments(Path(folder), wheel)
        return run_matrix(listed, selection, environments, asked.jobs, _tell)


def _tell(outcome: Outcome) -> None:
    named = f"{outcome.framework} {outcome.version} {outcome.variant}: {outcome.case}"
    print(f"{outcome.verdict} {outcome.seconds:5.1f} s  {named}", file=sys.stderr, flush=True)
    if outcome.detail:
        print(outcome.detail, file=sys.stderr, flush=True)


def _table(outcomes: list[Outcome]) -> Table:
    cases = tuple(TOOLS | PROCESS)
    table = Table("framework", "version", "way", *cases)
    rows: dict[tuple[str, str, str], dict[str, str]] = {}
    for each in outcomes:
        mark = "[green]yes[/]" if each.verdict == "passed" else "[bold red]NO[/]"
        key = (each.framework, each.version, each.variant)
        shown = cases if each.case == "environment" else (each.case,)
        rows.setdefault(key, {}).update(dict.fromkeys(shown, mark))
    for key, marks in rows.items():
        table.add_row(*key, *(marks.get(case, "") for case in cases))
    return table


if __name__ == "__main__":
    sys.exit(main())
