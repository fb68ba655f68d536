"""What many campaigns have shown: a table for people, and the figures."""

from collections import Counter
from collections.abc import Sequence

from pydantic import JsonValue

from tests.crash.campaign import RANDOM, Outcome
from tests.crash.comparing import Compared
from tests.crash.steps import FIRST, STEPS


def table(outcomes: Sequence[Outcome], seed: int) -> str:
    """Kills by step, then what became of the records."""
    kills = _kills(outcomes)
    # Others are asked for by somebody, and no campaign comes to them.
    names = [step.name for step in (*STEPS, *FIRST)]
    width = max(map(len, [*names, RANDOM]))
    lines = [f"{name:<{width}}  {kills[name]:>6}" for name in (*names, RANDOM)]
    figures = as_dict(outcomes, seed)
    lines.append("-" * (width + 8))
    for name in ("kills", "acknowledged", "stored", "duplicates", "lost", "torn"):
        lines.append(f"{name:<{width}}  {figures[name]:>6}")
    lines.append(f"{'verified':<{width}}  {figures['verified']:>6}")
    lines.append(f"{'collector seconds':<{width}}  {figures['collector_seconds']:>6.0f}")
    lines.append(f"{'verdict':<{width}}  {figures['verdict']}")
    lines.append(f"{'seed':<{width}}  {seed}")
    lines += [f"trouble: {outcome.trouble}" for outcome in outcomes if outcome.trouble]
    return "\n".join(lines)


def as_dict(outcomes: Sequence[Outcome], seed: int) -> dict[str, JsonValue]:
    """The figures."""
    last = [outcome.compared[-1] for outcome in outcomes if outcome.compared]
    everything: list[Compared] = [c for outcome in outcomes for c in outcome.compared]
    holds = bool(outcomes) and all(outcome.holds for outcome in outcomes)
    return {
        "seed": seed,
        "kills": _kills(outcomes).total(),
        "kills_by_step": dict(_kills(outcomes)),
        "lives": sum(outcome.lives for outcome in outcomes),
        "missed": sum(outcome.missed for outcome in outcomes),
        "acknowledged": sum(compared.acknowledged for compared in last),
        "stored": sum(compared.stored for compared in last),
        "duplicates": sum(len(compared.duplicates) for compared in last),
        "lost": sum(len(compared.lost) for compared in last),
        "torn": sum(len(compared.torn) for compared in last),
        "verified": len(everything),
        "verdict": "nothing lost, nothing twice, VALID" if holds else "FAILED",
        # Of all collectors together, whatever ran beside them.
        "collector_seconds": round(sum(outcome.seconds for outcome in outcomes), 1),
        "trouble": [outcome.trouble for outcome in outcomes if outcome.trouble],
    }


def _kills(outcomes: Sequence[Outcome]) -> Counter[str]:
    return sum((outcome.kills for outcome in outcomes), Counter[str]())
