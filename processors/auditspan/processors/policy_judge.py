"""Judge the records of a batch: one decision per distinct question, joined back.

First the records are grouped by registry version, operation and tool, which fixes the policies to
ask. Then a record's question is the values of those columns alone that these policies look at; of
the arguments only those that they name, read once per distinct text.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from auditspan.policy import Decision, PolicySet, Slice
from auditspan.policy.arguments import ArgumentMismatch
from auditspan.policy.rules import EVALUATION_ERROR
from auditspan.processors.arguments import read
from auditspan.processors.batch import Codes, Mask
from auditspan.processors.policy_inputs import Arguments, Inputs, sources_of, sources_of_disabled
from auditspan.processors.policy_sets import PolicySets, Unusable
from auditspan.registry.history import History
from auditspan.registry.models import Registry

MOST = 20_000
"""Different questions of one batch: as many as it has records."""
_WIDE = 2**62


@dataclass(frozen=True, slots=True)
class Judged:
    """The distinct decisions, and which of them each record got."""

    decisions: list[Decision | None]
    """None is: nothing was asked."""
    codes: Codes
    """For each record the index into `decisions`."""
    beyond: Mask
    """Records that had a question, and got no answer for there were too many."""

    def texts(self, get: Callable[[Decision], str], otherwise: str = "") -> pa.Array:
        """A text of each record's decision."""
        values = [get(decision) if decision else otherwise for decision in self.decisions]
        return pa.array(values, pa.string()).take(pa.array(self.codes))

    def lists(self, get: Callable[[Decision], tuple[str, ...]]) -> pa.Array:
        """A list of each record's decision."""
        values = [get(decision) if decision else () for decision in self.decisions]
        return pa.array(values, pa.list_(pa.string())).take(pa.array(self.codes))

    def mask(self, test: Callable[[Decision], bool]) -> Mask:
        """A condition on each record's decision; false without one."""
        values = [bool(decision and test(decision)) for decision in self.decisions]
        return np.asarray(values, dtype=np.bool_)[self.codes]


@dataclass(frozen=True, slots=True)
class _Group:
    """Records of one version, operation and tool."""

    registry: Registry
    policies: PolicySet | Unusable
    slice: Slice | None
    needed: set[str]
    """Columns that its policies look at."""
    mask: Mask


def judge(
    inputs: Inputs,
    history: History,
    sets: PolicySets,
    versions: Codes,
    asked: Mask,
    most: int = MOST,
) -> Judged:
    """Decide on the records of a mask under a registry version each; -1 is none.

    Of different questions so many are answered, those that came first.
    """
    groups = list(_groups(inputs, history, sets, versions, asked))
    number = np.zeros(len(asked), dtype=np.int64)
    arguments = np.zeros(len(asked), dtype=np.int64)
    values: list[Arguments] = [{}]
    for index, group in enumerate(groups):
        number[group.mask] = index + 1
        if group.slice and group.slice.types.fields:
            arguments[group.mask] = _arguments(inputs, group.slice, group.mask, values)
    combined = _combined([number, arguments, *_needed_codes(inputs, groups, number)])
    _, first, codes = np.unique(combined, return_index=True, return_inverse=True)
    answered = _first(first, number[first] > 0, most)
    decisions = [
        _decision(inputs, groups[number[row] - 1], row, values[arguments[row]]) if answers else None
        for row, answers in zip(first.tolist(), answered.tolist(), strict=True)
    ]
    codes = codes.astype(np.int64)
    return Judged(decisions, codes, (number > 0) & ~answered[codes])


def _first(rows: Codes, asked: Mask, most: int) -> Mask:
    """Which of the questions are answered: those asked, in the order of their first rows."""
    order = np.argsort(rows, kind="stable")
    answered = np.zeros(len(rows), dtype=np.bool_)
    answered[order[asked[order]][:most]] = True
    return answered


def _groups(
    inputs: Inputs, history: History, sets: PolicySets, versions: Codes, asked: Mask
) -> Iterator[_Group]:
    """The groups for which some policies are loaded."""
    operations, tools = inputs.source("Operation"), inputs.source("ToolName")
    combined = _combined([versions + 1, operations.codes, tools.codes])
    codes = np.where(asked & (versions >= 0), combined + 1, 0)
    distinct, first = np.unique(codes, return_index=True)
    for code, row in zip(distinct.tolist(), first.tolist(), strict=True):
        registry = history.versions[int(versions[row])].registry if code else None
        policies = sets.of(registry) if registry else None
        if registry is None or policies is None:
            continue
        operation = inputs.value("Operation", row)
        mask = codes == code
        if isinstance(policies, Unusable):
            yield _Group(registry, policies, None, set(), mask)
        else:
            slice_ = policies.slice(inputs.value("ToolName", row), operation)
            needed = sources_of(slice_, operation) | sources_of_disabled(registry)
            yield _Group(registry, policies, slice_, needed, mask)


def _needed_codes(inputs: Inputs, groups: list[_Group], number: Codes) -> Iterator[Codes]:
    """Every column that a group looks at, blank for the records of other groups."""
    for name in sorted(set[str]().union(*(group.needed for group in groups))):
        looking = np.asarray([False, *(name in group.needed for group in groups)])
        yield np.where(looking[number], inputs.source(name).codes + 1, 0)


def _combined(columns: list[Codes]) -> Codes:
    """One number per distinct combination; renumbered before it could overflow."""
    combined, width = columns[0], int(columns[0].max(initial=0)) + 1
    for column in columns[1:]:
        size = int(column.max(initial=0)) + 1
        if width * size >= _WIDE:
            distinct, combined = np.unique(combined, return_inverse=True)
            width = len(distinct)
        combined, width = combined * size + column, width * size
    return combined


def _arguments(inputs: Inputs, slice_: Slice, mask: Mask, values: list[Arguments]) -> Codes:
    """For the records of a mask the index into `values` of what is looked at of their arguments."""
    source = inputs.source("ToolArguments")
    texts, codes = np.unique(source.codes[mask], return_inverse=True)
    known: dict[str, int] = {}
    indexes = []
    for code in texts.tolist():
        arguments, key = _looked_at(slice_, source.values[code])
        if key not in known:
            known[key] = len(values)
            values.append(arguments)
        indexes.append(known[key])
    return np.asarray(indexes, dtype=np.int64)[codes]


def _looked_at(slice_: Slice, text: str) -> tuple[Arguments, str]:
    """The arguments of a text, and a key that is equal where policies see no difference."""
    found = read(text)
    arguments = found if isinstance(found, dict) else None
    try:
        return arguments, slice_.argument_text(arguments)
    except ArgumentMismatch as mismatch:
        return arguments, str(mismatch)


def _decision(inputs: Inputs, group: _Group, row: int, arguments: Arguments) -> Decision:
    policies = group.policies
    if isinstance(policies, Unusable):
        reason = f"denied because the policies cannot be loaded: {policies.reason}"
        return Decision(
            "deny", (EVALUATION_ERROR,), reason, (policies.reason,), False, policies.version
        )
    return policies.decide(inputs.request(row, group.needed, group.registry, arguments))
