"""Targets and data subjects."""

import pytest

from auditspan.processors.attributes import Attributes
from auditspan.processors.batch import Batch
from auditspan.processors.catalogue import calls
from auditspan.processors.targets import Found, TargetsConfig, subject_hash, targets
from auditspan.registry.models import Target, Tool
from tests.processors.samples import batch, history, spans, with_texts

KEY = b"k" * 32
CANCEL = Tool(
    name="cancel",
    effect="destructive",
    target=Target(type="reservation", id="$.reservation_id", path="$.url"),
    data_subjects=("$.passengers[*].email",),
)


def found(batch: Batch, *tools: Tool) -> Found:
    """The targets of a batch."""
    attributes = Attributes.of(batch)
    return targets(batch, attributes, calls(batch, history(*tools)), KEY, TargetsConfig.standard())


def called(*arguments: str) -> Batch:
    """Calls of one tool."""
    return with_texts(spans(*({} for _ in arguments)), ToolName="cancel", ToolArguments=arguments)


def test_a_registered_tool_tells_target_and_people() -> None:
    """The catalogue's paths are followed into the arguments; people are only kept as HMAC."""
    result = found(
        called('{"reservation_id": "R1", "url": "/r/1", "passengers": [{"email": "a@b.c"}, {}]}'),
        CANCEL,
    )
    assert result.type.to_pylist() == ["reservation"]
    assert result.id.to_pylist() == ["R1"]
    assert result.path.to_pylist() == ["/r/1"]
    assert result.subjects.to_pylist() == [[subject_hash(KEY, "a@b.c")]]
    assert subject_hash(b"other" * 8, "a@b.c") != subject_hash(KEY, "a@b.c")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ('{"reservation_id": 17}', "17"),
        ('{"reservation_id": true}', "true"),
        ('{"reservation_id": null}', ""),
        ('{"reservation_id": ["a", "b"]}', '["a","b"]'),
        ('{"reservation_id": "\\ud800"}', "?"),
        ('{"reservation_id": 1' + "0" * 5000 + "}", ""),
        ("[" * 100_000, ""),
        ("not json", ""),
        ("", ""),
        ("[1]", ""),
    ],
)
def test_any_arguments_are_read(arguments: str, expected: str) -> None:
    """What is no JSON, or has nothing at the path, gives no id and stops nothing."""
    assert found(called(arguments), CANCEL).id.to_pylist() == [expected]


def test_equal_arguments_of_two_tools_are_told_apart() -> None:
    """The same text means something else to another tool."""
    other = Tool(name="other", target=Target(type="user", id="$.user_id"))
    text = '{"reservation_id": "R", "user_id": "U"}'
    records = with_texts(
        spans({}, {}, {}), ToolName=["cancel", "other", "none"], ToolArguments=text
    )
    result = found(records, CANCEL, other)
    assert result.type.to_pylist() == ["reservation", "user", ""]
    assert result.id.to_pylist() == ["R", "U", ""]


def test_standard_attributes_name_a_target() -> None:
    """Without a catalogue entry the first standard attribute tells type, id and path."""
    result = found(
        spans(
            {"mcp.resource.uri": "file:///a", "url.full": "https://x/"},
            {"db.collection.name": "orders", "db.namespace": "shop"},
            {"audit.target.id": "said", "url.full": "https://x/"},
            {"url.full": "https://model/", "gen_ai.request.model": "m"},
        )
    )
    assert result.type.to_pylist() == ["mcp.resource", "db.collection", "", ""]
    assert result.id.to_pylist() == ["file:///a", "orders", "said", ""]
    assert result.path.to_pylist() == ["file:///a", "shop", "", ""]


def test_the_catalogue_of_the_time_counts() -> None:
    """A tool that was registered after the record was received is unknown to it."""
    records = batch({}, {})
    late = calls(with_texts(records, ToolName="cancel"), history(CANCEL, applied_at=2**62))
    assert late.tools == [None]
