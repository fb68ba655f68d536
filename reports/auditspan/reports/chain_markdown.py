"""The decision chain as a page: what a buyer gets who asks "what did your AI do to our data?".

Recorded values are other people's text, so every one is escaped for Markdown and stripped of
control and direction characters.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence

from auditspan.reports.chain import Chain, Step
from auditspan.reports.plain import plain
from auditspan.reports.population import Population

_SPECIAL = re.compile(r"([\\`*_{}\[\]()#+!|<>~&@$^=-]|:(?=//)|(?<=www)\.)", re.I)
"""Also what makes a link of a bare address or mention, or a formula, in readers of Markdown."""


def chain_markdown(chain: Chain, title: str, population: Population | None = None) -> str:
    """Render a chain: who acted for whom, the steps, what was decided, and over what population."""
    steps = list(chain.walk())
    lines = [f"# {escaped(title)}", "", *_facts(chain, [step for _, step in steps]), ""]
    lines += ["## Steps", "", *(_line(depth, step) for depth, step in steps), ""]
    if chain.truncated:
        lines += [f"Only the first {chain.records:,} records are shown.", ""]
    if population:
        lines += ["## Population", "", population.sentence(), ""]
    return "\n".join(lines)


def escaped(text: str) -> str:
    """Text that Markdown shows as it is."""
    return _SPECIAL.sub(r"\\\1", plain(text))


def _facts(chain: Chain, steps: Sequence[Step]) -> list[str]:
    once = [step.record for step in steps if not step.told_already]
    decisions = Counter(record["PolicyOutcome"] for record in once)
    outcomes = Counter(record["OutcomeStatus"] for record in once)
    facts = {
        "Began": chain.started.isoformat(timespec="seconds"),
        "Records": f"{chain.records:,}",
        "Agents": _names(step.record["AgentId"] or step.record["AgentName"] for step in steps),
        "Users": _names(step.record["UserId"] for step in steps),
        "Grants": _names(step.record["GrantId"] for step in steps),
        "Decisions": ", ".join(f"{name} {n}" for name, n in decisions.most_common()),
        "Outcomes": ", ".join(f"{name} {n}" for name, n in outcomes.most_common()),
    }
    return ["| | |", "|---|---|", *(f"| {k} | {escaped(v) or 'none'} |" for k, v in facts.items())]


def _names(values: Iterable[str]) -> str:
    return ", ".join(sorted({value for value in values if value}))


def _line(depth: int, step: Step) -> str:
    row = step.record
    time = row["Timestamp"].strftime("%H:%M:%S")
    findings = f"; findings: {escaped(', '.join(row['Findings']))}" if row["Findings"] else ""
    again = "; the same act, seen again" if step.told_already else ""
    reason = f" ({escaped(row['PolicyReason'])})" if row["PolicyReason"] else ""
    # Markdown ends nested lists at some depth in most readers, so the indent stops growing.
    return (
        f"{'  ' * min(depth, 8)}- {time} **{escaped(step.what)}** by {escaped(step.who)}: "
        f"{escaped(step.decision)}{reason}, {escaped(row['OutcomeStatus'])}, "
        f"{step.seconds:.3f} s, severity {row['Severity']}{findings}{again}"
    )
