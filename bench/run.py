"""All benchmarks, one after the other; the exit code is 1 if one of them missed its bar.

.venv-dev/bin/python bench/run.py
"""

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent


def main() -> int:
    """Run every other file of this folder."""
    failed = []
    for file in sorted(HERE.glob("*.py")):
        if file.name == Path(__file__).name:
            continue
        print(f"\n== {file.name}", flush=True)
        if subprocess.run([sys.executable, "-m", f"bench.{file.stem}"], cwd=HERE.parent).returncode:
            failed.append(file.name)
    if failed:
        print(f"\nmissed: {', '.join(failed)}", file=sys.stderr)
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
