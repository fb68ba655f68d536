"""A small registry and its changes, for the tests of controls.

One person may change the small registry alone; `two_persons` is the same under the rule of two.
"""

from pathlib import Path

from auditspan.registry import Bundle

ROOT = Path(__file__).parents[3]
DEMO = ROOT / "examples" / "demo" / "registry"
AIRLINE = ROOT / "examples" / "airline" / "registry"

FILES = {
    "agents/a.yaml": "{id: helper, name: Helper, owner: o, purpose: p, risk_tier: low}",
    "tools/t.yaml": (
        "{name: pay, effect: external, target: {type: account, id: $.to}, arguments: {type: object,"
        " properties: {to: {type: string}, amount: {type: integer}}}}"
    ),
    "grants/g.yaml": (
        "{id: g1, grantor: boss, agent: helper, granted_at: 2025-01-01T00:00:00Z,"
        " expires_at: 2035-01-01T00:00:00Z}"
    ),
    "policies/p.cedar": (
        '@id("small")\npermit (principal, action, resource == Tool::"pay")\n'
        "when { context has grant && context.arguments has amount"
        " && context.arguments.amount < 100 };\n"
    ),
    "examples/e.yaml": (
        "{name: ten, agent: helper, tool: pay, arguments: {to: x, amount: 10},"
        " at: 2026-01-01T00:00:00Z, expect: {outcome: allow, rules: small}}"
    ),
    "controls.yaml": "single_operator: true\n",
}
PEOPLE = """\
- {id: "person:alice", name: Alice, roles: policy}
- {id: "person:bob", name: Bob, roles: policy}
- {id: "person:carol", name: Carol, roles: reader}
- {id: "person:olga", name: Olga, roles: operator}
- {id: "service:ci", name: Builds, roles: operator}
- {id: "person:gone", name: Gone, roles: policy, disabled: true}
"""


def bundle(**changed: str) -> Bundle:
    """The small registry with changed files, `__` for `/` and without suffix."""
    names = {name.rpartition(".")[0].replace("/", "__"): name for name in FILES}
    return Bundle(FILES | {names[key]: text for key, text in changed.items()})


def two_persons(**changed: str) -> Bundle:
    """The small registry with two approvers and nobody who may do it alone."""
    files = dict(bundle(**changed).files) | {"principals/people.yaml": PEOPLE}
    del files["controls.yaml"]
    return Bundle(files)


STRICTER = FILES["policies/p.cedar"].replace("100", "50")
WRONG = FILES["policies/p.cedar"].replace("100", "5")
"""Under it the example is denied."""
BROKEN = FILES["policies/p.cedar"].replace("principal,", "principal", 1)
