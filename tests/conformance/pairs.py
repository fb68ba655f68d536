"""Rows in which every two values of different factors meet at least once; the same each time."""

from collections.abc import Sequence
from itertools import combinations

Factors = dict[str, Sequence[str]]
Row = dict[str, str]
_Pair = tuple[str, str, str, str]


def all_pairs(factors: Factors) -> list[Row]:
    """Greedy: each row begins with a pair that no row has and takes what adds most pairs."""
    left = dict.fromkeys(
        (a, x, b, y) for a, b in combinations(factors, 2) for x in factors[a] for y in factors[b]
    )
    rows = []
    while left:
        a, x, b, y = next(iter(left))
        row = {a: x, b: y}
        for name in factors:
            if name not in row:
                row[name] = _best(factors, row, name, left)
        for pair in pairs_of(factors, row):
            left.pop(pair, None)
        rows.append(row)
    return rows


def pairs_of(factors: Factors, row: Row) -> list[_Pair]:
    """The pairs that meet in a row."""
    names = [name for name in factors if name in row]
    return [(a, row[a], b, row[b]) for a, b in combinations(names, 2)]


def _best(factors: Factors, row: Row, name: str, left: dict[_Pair, None]) -> str:
    def gain(value: str) -> int:
        return sum(pair in left for pair in pairs_of(factors, {**row, name: value}))

    return max(factors[name], key=gain)
