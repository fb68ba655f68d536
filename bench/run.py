"""The benchmarks of the README, one after the other; the exit code is 1 if one missed its bar.

.venv-dev/bin/python bench/run.py [--full] [NAME ...]
"""

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
NAMES = ("pipeline", "peers", "small", "sealing", "verify")
LONGER = ("pipeline", "peers", "small")
"""Those that `--full` makes longer."""


def main() -> int:
    """Run them, then write the page anew."""
    options = [word for word in sys.argv[1:] if word.startswith("-")]
    names = [word for word in sys.argv[1:] if not word.startswith("-")] or list(NAMES)
    failed = []
    for name in names:
        print(f"\n== {name}", flush=True)
        command = [sys.executable, "-m", f"bench.{name}", *(options if name in LONGER else ())]
        if subprocess.run(command, cwd=HERE.parent).returncode:
            failed.append(name)
    subprocess.run([sys.executable, "-m", "bench.report"], cwd=HERE.parent, check=True)
    if failed:
        print(f"\nmissed: {', '.join(failed)}", file=sys.stderr)
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
