"""How far a long command is, for whoever watches."""

import contextlib
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from auditspan.cli.terminal import err, safe

if TYPE_CHECKING:
    from auditspan.reports.verification.asking import Progress


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
