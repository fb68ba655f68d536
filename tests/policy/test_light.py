"""The folder runs inside an agent's process."""

import subprocess
import sys


def test_no_arrow_and_no_numpy() -> None:
    """A guard imports policies without the collector's weight."""
    code = (
        "import sys, auditspan.policy;"
        "heavy = {'pyarrow', 'numpy', 'chdb', 'grpc'} & set(sys.modules);"
        "sys.exit(repr(heavy) if heavy else 0)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
