"""Writes everything that follows from the registry: `python semconv/generator`."""

import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def main() -> int:
    """Write the files, or say what is wrong with the registry."""
    sys.path.insert(0, str(ROOT / "semconv"))
    from generator.check import problems
    from generator.load import RegistryInvalid, load
    from generator.render import PACKAGE, outputs

    try:
        registry = load(ROOT / PACKAGE)
        found = problems(registry)
        texts = {} if found else outputs(registry, ROOT)
    except RegistryInvalid as error:
        found, texts = [str(error)], {}
    for problem in found:
        print(problem, file=sys.stderr)
    for path, text in texts.items():
        (ROOT / path).write_text(text, encoding="utf-8")
        print(path)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
