"""The dialects as the runtime loads them, and what their file may not say."""

from pathlib import Path

import pytest
from generator import dialects as written
from generator.load import Registry, RegistryInvalid

from auditspan.semconv import dialects
from auditspan.semconv.dialects import Condition, Dialect, Source

ENTRY = """
dialects:
  - name: planted
    brief: Planted.
    detect: [{attribute: x.kind, values: TOOL}]
"""


def dialect(name: str) -> Dialect:
    """One of them."""
    return next(each for each in dialects.load() if each.name == name)


def test_order() -> None:
    """First match decides, so the general ones come last."""
    assert [each.name for each in dialects.load()] == [
        "auditspan",
        "openinference",
        "openllmetry",
        "anthropic",
        "mcp",
        "genai-legacy",
        "genai",
    ]


def test_what_is_loaded() -> None:
    """Conditions, values and folds come out as the file has them."""
    found = dialect("openinference")
    tool = Condition("openinference.span.kind", ("TOOL",))
    assert found.detect == (Condition("openinference.span.kind"),)
    assert found.sources["gen_ai.tool.name"] == (Source("tool.name"),)
    assert found.sources["gen_ai.tool.call.result"] == (Source("output.value", when=tool),)
    assert found.sources["gen_ai.operation.name"][0].values["LLM"] == "chat"
    assert found.folds["llm.input_messages."] == "gen_ai.input.messages"
    assert dialect("auditspan") == Dialect("auditspan", (Condition(scope="auditspan"),), {}, {})


@pytest.mark.parametrize(
    ("name", "ours", "before"),
    [
        (
            "genai",
            "gen_ai.usage.cache_write.input_tokens",
            "gen_ai.usage.cache_creation.input_tokens",
        ),
        ("genai-legacy", "gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens"),
        ("genai-legacy", "gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens"),
        ("genai-legacy", "gen_ai.provider.name", "gen_ai.system"),
        ("openllmetry", "gen_ai.provider.name", "gen_ai.system"),
    ],
)
def test_names_from_before(name: str, ours: str, before: str) -> None:
    """Both sides of a renaming are read."""
    assert before in [source.attribute for source in dialect(name).sources[ours]]


def test_the_older_provider_is_translated() -> None:
    """`az.ai.openai` has another name now; what is not listed stays."""
    [source] = dialect("genai-legacy").sources["gen_ai.provider.name"]
    assert source.values["az.ai.openai"] == "azure.ai.openai"
    assert "*" not in source.values


def read(tmp_path: Path, text: str, registry: Registry) -> tuple[written.Dialect, ...]:
    """The dialects of a text."""
    path = tmp_path / "dialects.yaml"
    path.write_text(text, "utf-8")
    return written.read(path, registry)


def test_a_plain_entry(tmp_path: Path, registry: Registry) -> None:
    """One word stands for a list of one."""
    text = f"{ENTRY}    sources: {{gen_ai.tool.name: x.name}}\n"
    [found] = read(tmp_path, text, registry)
    assert found.detect[0].values == ("TOOL",)
    assert found.sources["gen_ai.tool.name"][0].attribute == "x.name"


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ("    sources: {gen_ai.tool.nam: x}\n", "gen_ai.tool.nam is no attribute"),
        ("    sources: {audit.policy.outcome: x}\n", "audit.policy.outcome is no attribute"),
        ("    folds: {x.: audit.summary}\n", "audit.summary is no attribute"),
        ("    sources: {user.id: {attribute: x, span_name: y}}\n", "either attribute or span_name"),
        ("    sources: {user.id: {values: {a: b}}}\n", "either attribute or span_name"),
        ("    sources: {user.id: {span_name: '(.*)'}}\n", "needs the group"),
        ("    sources: {user.id: {attribute: x, when: {values: y}}}\n", "names nothing"),
        ("    sources: {user.id: {attribute: x, when: {scope: s, values: y}}}\n", "no attribute"),
        ("    source: {}\n", "Extra inputs"),
        ("  - {name: planted, brief: Again., detect: [{scope: s}]}\n", "stands twice"),
        ("  - {name: Planted, brief: No name., detect: [{scope: s}]}\n", "dialects.1.name"),
        ("  - {name: none, brief: Nothing., detect: []}\n", "dialects.1.detect"),
    ],
)
def test_a_broken_entry(tmp_path: Path, registry: Registry, more: str, message: str) -> None:
    """A mistake is told when the file is written, not when a span comes."""
    with pytest.raises(RegistryInvalid) as caught:
        read(tmp_path, ENTRY + more, registry)
    assert message in str(caught.value)
