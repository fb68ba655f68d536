"""What the script `auditspan` calls: Ctrl-C ends it quietly while its modules are being read, too.

Reads nothing slow before it is ready for that.
"""

import sys

from auditspan.cli.exits import Exit


def main() -> None:
    """Run the command."""
    try:
        from auditspan.cli.main import main as command

        command()
    except KeyboardInterrupt:
        sys.exit(Exit.INTERRUPTED)
