"""The difference of two registries names each field with its old and new value."""

from auditspan.registry import Bundle, Registry
from auditspan.registry.diff import Change, compare

AGENT = "{id: a, name: A, owner: o, purpose: p, risk_tier: low, environments: [x]}"
POLICY = '@id("one")\npermit (principal, action, resource);\n'


def registry(**files: str) -> Registry:
    """A registry of these files, written `folder__name`."""
    suffix = {"policies": ".cedar"}
    named = {
        k.replace("__", "/") + suffix.get(k.split("__")[0], ".yaml"): v for k, v in files.items()
    }
    return Bundle(named).registry()


def test_equal_registries_have_no_difference() -> None:
    """The same content in other files and another order is the same."""
    assert compare(registry(agents__a=AGENT), registry(agents__b=f"- {AGENT}\n")) == ()
    assert compare(None, None) == ()


def test_what_comes_and_goes_is_named_whole() -> None:
    """Against nothing everything is added; the other way round it is removed."""
    one = registry(agents__a=AGENT, policies__p=POLICY)
    added = compare(None, one)
    assert [(c.change, c.kind, c.name) for c in added] == [
        ("added", "agent", "a"),
        ("added", "policy", "policies/p.cedar"),
    ]
    assert added[1].after == POLICY
    assert {c.change for c in compare(one, None)} == {"removed"}


def test_a_changed_field_is_named_with_both_values() -> None:
    """Nested fields are dotted; a list is one value; a truth value is not a number."""
    tool = "{name: t, effect: read, target: {type: order}, arguments: {n: 1, o: [1]}}"
    changed = "{name: t, effect: read, target: {type: invoice}, arguments: {n: true, o: [2]}}"
    found = compare(registry(tools__t=tool), registry(tools__t=changed))
    plain = [(c.field, c.before, c.after) for c in found if c.field != "schema_hash"]
    assert plain == [
        ("arguments.n", 1, True),
        ("arguments.o", [1], [2]),
        ("target.type", "order", "invoice"),
    ]
    assert {c.field for c in found} - {row[0] for row in plain} == {"schema_hash"}


def test_a_policy_change_shows_its_lines() -> None:
    """Old and new text are kept whole, and shown as changed lines."""
    [change] = compare(
        registry(policies__p=POLICY), registry(policies__p=POLICY.replace("permit", "forbid"))
    )
    assert change.before == POLICY
    assert list(change.lines()) == [
        "@@ -1,2 +1,2 @@",
        ' @id("one")',
        "-permit (principal, action, resource);",
        "+forbid (principal, action, resource);",
    ]


def test_a_change_is_plain_values() -> None:
    """A control record can carry it."""
    assert Change("added", "grant", "g", after={"id": "g"}).to_dict() == {
        "change": "added",
        "kind": "grant",
        "name": "g",
        "field": "",
        "before": None,
        "after": {"id": "g"},
    }
