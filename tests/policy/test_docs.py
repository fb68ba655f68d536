"""`docs/policies.md` says what is so."""

import re
from pathlib import Path

import pytest
import yaml

from auditspan.policy import AgentFacts, PolicySet, Request, ToolFacts, ToolSchema, UserFacts
from auditspan.policy.operations import OPERATIONS
from auditspan.policy.rules import _DECIDING, _NOTES
from auditspan.policy.schema import AGENT, CONTEXT, TARGET, TOOL, USER

PAGE = (Path(__file__).parents[2] / "docs/policies.md").read_text(encoding="utf-8")
MONDAY = 4 * 86_400 * 10**9
HOUR = 3_600 * 10**9


def block(language: str) -> str:
    """The first code block of a language."""
    found = re.search(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    assert found
    return found[1]


def example() -> PolicySet:
    """The policies of the page, on the tool of the page."""
    tool = yaml.safe_load(block("yaml"))
    name = tool.pop("name")
    return PolicySet.load({"shop.cedar": block("cedar")}, {name: ToolSchema(**tool)})


def rows() -> dict[str, tuple[str, tuple[str, ...], bool]]:
    """The table of outcomes by its first column."""
    table = PAGE[PAGE.index("| Call by `support-agent`") :].split("\n\n")[0].split("\n")[2:]
    cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in table]
    return {
        call: (outcome, tuple(re.findall("`([^`]+)`", rules)), review == "yes")
        for call, outcome, rules, review in cells
    }


CALLS: dict[str, dict[str, object]] = {
    "clerk with role `support`, grant, amount 50, Monday 10:00": {},
    "the same at 22:00": {"at": MONDAY + 22 * HOUR},
    "amount 250": {"arguments": {"amount": 250}},
    "amount 900": {"arguments": {"amount": 900}},
    "no amount": {"arguments": {}},
    'amount `"50"`, a text': {"arguments": {"amount": "50"}},
    "no grant": {"grant_id": ""},
    "a chat": {"operation": "chat", "tool": ToolFacts(), "model": "any"},
}


def test_every_row_is_tested() -> None:
    """A row that is added to the page gets a call here."""
    assert list(rows()) == list(CALLS)


@pytest.mark.parametrize("call", CALLS)
def test_the_example_decides_as_the_page_says(call: str) -> None:
    """Outcome, rules and review of each row."""
    given: dict[str, object] = {
        "operation": "execute_tool",
        "agent": AgentFacts("support-agent"),
        "user": UserFacts("u", roles=("support",)),
        "tool": ToolFacts("refund_order"),
        "grant_id": "g",
        "at": MONDAY + 10 * HOUR,
        "arguments": {"amount": 50},
    }
    decision = example().decide(Request(**(given | CALLS[call])))  # type: ignore[arg-type]
    assert (decision.outcome, decision.rule_ids, decision.review_required) == rows()[call]


def test_the_whole_vocabulary_is_on_the_page() -> None:
    """Attributes, annotations and groups of actions."""
    attributes = {*AGENT, *USER, *TOOL, *TARGET, *(name.rstrip("?") for name in CONTEXT)}
    missing = {name for name in attributes if not re.search(rf"[.`]{name}`", PAGE)}
    missing |= {name for name in (*_DECIDING, *_NOTES) if f"@{name}" not in PAGE}
    groups = {known.group for known in OPERATIONS.values()} - {""}
    missing |= {group for group in groups if f'"{group}"' not in PAGE}
    assert missing == set()
