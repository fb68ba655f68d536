"""The rules of names and annotations find what is planted, and nothing in the real registry."""

from collections.abc import Callable, Iterable

import pytest
from generator import check
from generator.load import Registry
from generator.model import Annotations, Attribute, GroupRef, Member, Ours, Ref

SENTENCE = "Something that is planted."


def attribute(key: str = "audit.planted", **more: object) -> Attribute:
    """A sound attribute, but for what is given."""
    return Attribute.model_validate(
        {
            "key": key,
            "type": "string",
            "brief": SENTENCE,
            "examples": ["x"],
            "stability": "development",
            "annotations": {"auditspan": {"asserted_by": ["client"]}},
        }
        | more
    )


def ours(**keys: object) -> Annotations:
    """Annotations with these keys."""
    return Annotations(auditspan=Ours.model_validate({"asserted_by": ["client"]} | keys))


def changed(registry: Registry, *added: Attribute, **more: object) -> Registry:
    """The real registry with something added or replaced."""
    sections = {**registry.sections, "risk": (*registry.sections["risk"], *added)}
    columns = registry.columns.model_copy(update=more)
    return Registry(sections, registry.groups, registry.spans, registry.refinements, columns)


def test_the_registry_is_sound(registry: Registry) -> None:
    """Nothing is wrong with what is committed."""
    assert check.problems(registry) == []


@pytest.mark.parametrize(
    "name", ["Audit.x", "audit", "audit..x", "audit.x-y", "audit.1x.", "audit.x_", "_audit.x", ""]
)
def test_ill_formed_names(name: str) -> None:
    """Names are lower case, with dots and underscores between words, within a namespace."""
    assert list(check.well_formed([name]))


@pytest.mark.parametrize("name", ["audit.x", "gen_ai.tool.call.id", "audit.x1.y_2z"])
def test_well_formed_names(name: str) -> None:
    """What OpenTelemetry allows passes."""
    assert list(check.well_formed([name])) == []


def test_a_name_is_no_prefix_of_another() -> None:
    """A leaf cannot have children, in either order; a shared beginning of a word is fine."""
    [problem] = check.prefixes(["audit.outcome.reason", "audit.outcome", "audit.outcomes"])
    assert problem == "audit.outcome.reason: its prefix audit.outcome is an attribute itself"


def test_names_of_the_draft_count(registry: Registry) -> None:
    """A name that others use is in the way too."""
    found = check.problems(changed(registry, attribute("audit.sequence.end.time")))
    assert found == [
        "audit.sequence.end.time: its prefix audit.sequence.end is an attribute itself"
    ]


def test_two_names_of_one_constant() -> None:
    """A dot and an underscore become the same letter."""
    assert list(check.constants(["a.b_c", "a.b.c"])) == [
        "a.b.c: becomes the same constant as a.b_c"
    ]
    assert list(check.constants(["a.b", "a.b"])) == []  # that is `repeated`


def test_a_name_stands_once(registry: Registry) -> None:
    """Twice is a mistake even if both say the same."""
    found = check.problems(changed(registry, attribute("audit.purpose")))
    assert "audit.purpose: this attribute is defined 2 times" in found


Rule = Callable[[Iterable[Attribute]], Iterable[str]]
MEMBERS = [
    {"id": "a", "value": "x", "brief": "A.", "stability": "development"},
    {"id": "b", "value": "x", "brief": "B", "stability": "development"},
    {"id": "B", "value": "y", "brief": "C.", "stability": "development"},
]
COLUMN = {"column": "Planted", "clickhouse": "String", "group": "maps", "storage": "alias"}


@pytest.mark.parametrize(
    ("rule", "bad", "count"),
    [
        (check.plurals, {"type": "string[]"}, 1),
        (check.plurals, {"type": "string[]", "key": "audit.planted.ids"}, 0),
        (check.texts, {"brief": "no sentence"}, 1),
        (check.texts, {"note": "no end"}, 1),
        (check.enumerations, {"type": {"members": MEMBERS}}, 3),
        (check.examples, {"examples": []}, 1),
        (check.examples, {"examples": [1]}, 1),
        (check.examples, {"type": "int", "examples": ["1"]}, 1),
        (check.examples, {"type": "int", "examples": [True]}, 1),
        (check.examples, {"type": "string[]", "examples": ["x"]}, 1),
        (check.examples, {"type": "string", "examples": [["x"]]}, 1),
        (check.examples, {"type": "template[string]", "examples": ["x"]}, 0),
        (check.annotations, {"annotations": ours(clickhouse="String")}, 1),
        (check.annotations, {"annotations": ours(**COLUMN)}, 1),
        (check.annotations, {"annotations": ours(**COLUMN, read=["span"])}, 0),
        (check.annotations, {"annotations": ours(**COLUMN | {"column": "no"}, read=["span"])}, 1),
        (check.annotations, {"type": "int", "annotations": ours(**COLUMN, read=["span"])}, 1),
        (
            check.annotations,
            {"annotations": ours(**COLUMN, read=["span"], asserted_by=["collector"])},
            1,
        ),
        (check.annotations, {"annotations": ours(**COLUMN | {"storage": "physical"})}, 1),
        (
            check.annotations,
            {
                "annotations": ours(
                    **COLUMN | {"storage": "physical", "source": "attribute"},
                    asserted_by=["collector"],
                )
            },
            1,
        ),
        (check.annotations, {"annotations": ours(column="Planted", clickhouse="String")}, 1),
    ],
)
def test_what_an_attribute_says_of_itself(rule: Rule, bad: dict[str, object], count: int) -> None:
    """One planted mistake is one problem, which names the attribute."""
    planted = attribute(**{str(key): value for key, value in bad.items()})  # type: ignore[arg-type]
    found = list(rule([planted]))
    assert len(found) == count
    assert all(problem.startswith(planted.key) for problem in found)


def test_reserved_families_are_out_of_a_senders_reach(registry: Registry) -> None:
    """A policy's answer that a client may assert is a hole."""
    found = check.problems(changed(registry, attribute("audit.policy.planted")))
    assert found == ["audit.policy.planted: only gateway, collector may assert audit.policy.*"]


def test_a_reserved_family_is_not_a_typing_mistake(registry: Registry) -> None:
    """A family with nothing in it protects nothing."""
    reserved = {**registry.columns.reserved, "audit.polcy": ("collector",)}
    assert check.problems(changed(registry, reserved=reserved)) == [
        "audit.polcy: reserved, but nothing is in it"
    ]


def test_columns_agree(registry: Registry) -> None:
    """Every physical column is in one group, the one that its attribute names."""
    groups = list(registry.columns.groups)
    core, place = groups[0], [group.name for group in groups].index("user")
    user = groups[place]
    groups[0] = core.model_copy(update={"columns": core.columns[1:]})
    groups[place] = user.model_copy(update={"columns": (*user.columns, "Effect", "Nobody")})
    assert set(check.problems(changed(registry, groups=tuple(groups)))) == {
        "RecordId: physical, but in no group",
        "Nobody: in a group, but not defined",
        "Effect: group core, but listed in user",
        "Effect: this column of a group is defined 2 times",
    }


def test_columns_are_counted(registry: Registry) -> None:
    """A wide table is a slow one."""
    more = {f"More{n}": next(iter(registry.columns.columns.values())) for n in range(2)}
    first, *others = registry.columns.groups
    first = first.model_copy(update={"columns": (*first.columns, *more)})
    planted = changed(
        registry, groups=(first, *others), columns={**registry.columns.columns, **more}
    )
    assert check.problems(planted) == ["71 physical columns, expected at most 70"]


def test_a_column_stands_once(registry: Registry) -> None:
    """Two attributes cannot share a column."""
    twin = attribute(annotations=ours(**COLUMN | {"column": "Ticket"}, read=["span"]))
    assert check.problems(changed(registry, twin)) == ["Ticket: this column is defined 2 times"]


def test_spans_name_what_exists(registry: Registry) -> None:
    """A span, its groups and refinements cannot name what is not there."""
    span = registry.spans[0].model_copy(
        update={
            "attributes": (
                Ref(ref="audit.nowhere", requirement_level="required"),
                GroupRef(ref_group="audit.nobody"),
            )
        }
    )
    refinement = registry.refinements[0].model_copy(update={"ref": "gen_ai.nothing"})
    planted = Registry(
        registry.sections,
        registry.groups,
        (span, *registry.spans[1:], registry.spans[1]),
        (refinement,),
        registry.columns,
    )
    assert set(check.problems(planted)) == {
        "gen_ai.inference.client: names audit.nowhere, which is not defined",
        "gen_ai.inference.client: names the group audit.nobody, which is not defined",
        "audit.inference.client: refines gen_ai.nothing, which is not defined",
        "gen_ai.invoke_agent.internal: this span is defined 2 times",
    }


def test_members_of_an_enumeration_are_kept_apart() -> None:
    """The model takes what the check then judges."""
    assert Member.model_validate(MEMBERS[2]).id == "B"


def test_what_readers_see_is_said_once(registry: Registry) -> None:
    """A registered attribute says it itself; salts cannot be shown, nor a part of content."""
    extra = registry.columns.readers.model_copy(update={"attributes": ("user.id", "host.name")})
    assert [line for line in check.readers(changed(registry, readers=extra)) if "user.id" in line]
    twice = extra.model_copy(update={"attributes": ("host.name", "host.name")})
    assert list(check.readers(changed(registry, readers=twice)))
    columns = registry.columns.columns
    salt = columns["RecordSalt"].model_copy(update={"content": False})
    assert list(check.readers(changed(registry, columns={**columns, "RecordSalt": salt})))
    for keys in ({"shown": "''"}, {"shown": "''", "content": False}):
        assert list(check.readers(changed(registry, attribute(annotations=ours(**keys)))))
