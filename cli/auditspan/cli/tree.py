"""The decision chain as a tree on the terminal."""

from rich.text import Text
from rich.tree import Tree

from auditspan.cli.terminal import safe
from auditspan.reports.chain import Chain, Step

MAX_DEPTH = 12
"""Deeper steps stand side by side at this depth, in their order."""

_STYLES = {"allow": "green", "deny": "red", "require_approval": "yellow", "modify": "yellow"}


def tree_of(chain: Chain, title: str) -> Tree:
    """One line per record: who, what, decided by which rule, result, time, principal."""
    tree = Tree(Text(safe(title), style="bold"))
    branches = {-1: tree}
    for depth, step in chain.walk():
        # Depth is the sender's choice; an indent wider than the screen would hide the line.
        level = min(depth, MAX_DEPTH)
        branches[level] = branches[level - 1].add(line_of(step))
    if chain.truncated:
        tree.add(Text(f"only the first {chain.records:,} records are shown", style="yellow"))
    return tree


def line_of(step: Step) -> Text:
    """One record as a line."""
    row = step.record
    line = Text(row["Timestamp"].strftime("%H:%M:%S.%f")[:-3] + " ", style="dim")
    line.append(safe(step.what), style="bold")
    line.append(f"  by {safe(step.who)}")
    line.append(f"  {safe(step.decision)}", style=_STYLES.get(row["PolicyOutcome"], "dim"))
    line.append(f"  {safe(row['OutcomeStatus'])} {step.seconds:.3f}s")
    line.append(f"  {safe(row['PrincipalId'])}", style="dim")
    if row["Findings"]:
        line.append(f"  ! {safe(', '.join(row['Findings']))}", style="yellow")
    if step.told_already:
        line.append("  (the same act, seen again)", style="dim")
    if step.parent_missing:
        line.append("  (its parent was not received)", style="dim")
    return line
