"""What the script `auditspan` calls: Ctrl-C ends it quietly while its modules are being read, too.

Reads nothing slow before it is ready for that.
"""

import contextlib
import os
import sys
from typing import NoReturn

from auditspan.cli.exits import Exit


def main() -> None:
    """Run the command."""
    try:
        from auditspan.cli.main import main as command

        command()
    except KeyboardInterrupt:
        _end()
    except SystemExit as error:
        if error.code == Exit.INTERRUPTED:
            _end()
        raise


def _end() -> NoReturn:
    """End at once: what other threads still ask a store is of use to nobody.

    Python would wait for them, and take a second Ctrl-C meanwhile for an error, or die of it.
    """
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(Exit.INTERRUPTED)
