"""A check over a corpus, then over mutations of it: some in each test run, many by `make fuzz`.

`AUDITSPAN_FUZZ_SECONDS` is how long all targets go on together, with other randomness each time;
without it a target runs its corpus and a fixed number of mutations, the same each time. What fails
is printed by hypothesis in its smallest form, and belongs into `corpus/<target>/`.
"""

import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

TARGETS: Final = 10
"""How many calls of `drive` share the time."""
SECONDS: Final = float(os.environ.get("AUDITSPAN_FUZZ_SECONDS", "0")) / TARGETS
_CORPUS: Final = Path(__file__).with_name("corpus")
_ROUND: Final = 100
_KINDS: Final = ("flip", "cut", "drop", "insert", "overwrite", "repeat", "swap", "zero")
_Change = tuple[str, int, int, bytes]


def corpus(target: str) -> list[bytes]:
    """The kept inputs of a target, by name."""
    found = [path.read_bytes() for path in sorted((_CORPUS / target).iterdir())]
    assert found, target
    return found


def drive(
    check: Callable[[bytes], None],
    seeds: Sequence[bytes],
    examples: int,
    kinds: Sequence[str] = _KINDS,
) -> int:
    """Check each seed, then mutations; how many inputs that were. Raises what the check raises."""
    done = 0

    def counted(data: bytes) -> None:
        nonlocal done
        done += 1
        check(data)

    for seed in seeds:
        counted(seed)
    until = time.monotonic() + SECONDS
    _mutations(counted, seeds, examples, kinds, fixed=True)
    while time.monotonic() < until:
        _mutations(counted, seeds, _ROUND, kinds, fixed=False)
    return done


def _mutations(
    check: Callable[[bytes], None],
    seeds: Sequence[bytes],
    examples: int,
    kinds: Sequence[str],
    *,
    fixed: bool,
) -> None:
    @settings(
        max_examples=examples, derandomize=fixed, database=None, deadline=None,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(st.sampled_from(seeds), st.lists(_changes(kinds), max_size=5))
    def run(seed: bytes, changes: list[_Change]) -> None:
        check(mutated(seed, changes))

    run()


def _changes(kinds: Sequence[str]) -> st.SearchStrategy[_Change]:
    places, sizes = st.integers(0, 1 << 20), st.integers(1, 64)
    return st.tuples(st.sampled_from(kinds), places, sizes, st.binary(max_size=12))


def mutated(seed: bytes, changes: Sequence[_Change]) -> bytes:
    """A seed after changes; each is a kind, a place, a size and bytes."""
    data = bytearray(seed)
    for kind, where, size, piece in changes:
        at = where % (len(data) + 1)
        match kind:
            case "flip":
                for place in range(at, min(at + 1, len(data))):
                    data[place] ^= 1 << size % 8
            case "cut":
                del data[at:]
            case "drop":
                del data[at : at + size]
            case "insert":
                data[at:at] = piece
            case "overwrite":
                data[at : at + len(piece)] = piece
            case "repeat":
                data[at:at] = data[at : at + size]
            case "swap":
                data = data[at:] + data[:at]
            case _:
                data[at : at + size] = bytes(len(data[at : at + size]))
    return bytes(data)
