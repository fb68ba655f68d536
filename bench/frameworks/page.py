"""docs/frameworks.json, what was found, and docs/frameworks.md, made from it."""

import json
from collections.abc import Iterable
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from bench.frameworks.matrix import Outcome
from tests.frameworks.cases import PROCESS, TOOLS
from tests.frameworks.listed import Framework

ROOT = Path(__file__).parents[2]
FOUND, PAGE = ROOT / "docs" / "frameworks.json", ROOT / "docs" / "frameworks.md"
_MARK = {"passed": "yes", "failed": "**no**"}
_HEAD = """\
# Frameworks: what is proved of each adapter

<!-- Made by bench/frameworks from docs/frameworks.json; do not edit. `make frameworks`: anew. -->

Each version of each framework runs in an environment of its own with the wheel of auditspan, as
users start it (`opentelemetry-instrument python agent.py`, environment variables), against a
scripted model on loopback. `yes` is asserted on what the model received, which tool bodies ran, and
which records arrived; how a real model takes a denial is not shown by it. The programs are in
`tests/frameworks/agents`.

| | What holds |
|---|---|
{meaning}

Empty: a case about the process, which runs for the first way into a framework only.
"""


class Found(BaseModel):
    """What was found of each framework, and by which Python."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    python: str
    outcomes: tuple[Outcome, ...]

    def with_those(self, newer: "Found") -> "Found":
        """The newer ones of the frameworks that they are of."""
        anew = {outcome.framework for outcome in newer.outcomes}
        kept = (outcome for outcome in self.outcomes if outcome.framework not in anew)
        return Found(python=newer.python, outcomes=(*kept, *newer.outcomes))


def read() -> Found:
    """What stands in docs."""
    if not FOUND.exists():
        return Found(python="", outcomes=())
    return Found.model_validate_json(FOUND.read_text("utf-8"))


def write(found: Found) -> None:
    """Both files."""
    rows = sorted(found.outcomes, key=lambda each: each.framework)
    body = {
        "python": found.python,
        "outcomes": [row.model_dump(exclude={"seconds"}) for row in rows],
    }
    FOUND.write_text(json.dumps(body, indent=1) + "\n", "utf-8")
    PAGE.write_text(markdown(found), "utf-8")


def markdown(found: Found) -> str:
    """The page."""
    cases = TOOLS | PROCESS
    meaning = "\n".join(
        f"| {name} | {' '.join((case.__doc__ or '').split())} |" for name, case in cases.items()
    )
    parts = [_HEAD.format(meaning=meaning)]
    for framework in sorted({outcome.framework for outcome in found.outcomes}):
        mine = [outcome for outcome in found.outcomes if outcome.framework == framework]
        parts.append(f"## {framework}\n\n{_table(mine, tuple(cases))}\n")
    return "\n".join(parts)


def _table(outcomes: list[Outcome], cases: tuple[str, ...]) -> str:
    lines = [
        f"| {outcomes[0].distribution} | way | {' | '.join(cases)} |",
        "|" + "---|" * (len(cases) + 2),
    ]
    for version, variant in dict.fromkeys((each.version, each.variant) for each in outcomes):
        marks = {
            each.case: _MARK[each.verdict]
            for each in outcomes
            if (each.version, each.variant) == (version, variant)
        }
        if "environment" in marks:
            marks = dict.fromkeys(cases, _MARK["failed"])
        lines.append(
            f"| {version} | {variant} | {' | '.join(marks.get(case, '') for case in cases)} |"
        )
    return "\n".join(lines)


def missing(found: Found, listed: Iterable[Framework]) -> list[str]:
    """Versions that are listed and not found, or the other way round."""
    have = {(outcome.framework, outcome.version) for outcome in found.outcomes}
    want = {(each.name, version) for each in listed for version in each.versions}
    return [f"{name} {version}" for name, version in sorted(have ^ want)]
