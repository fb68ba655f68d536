"""Days per class: configured over presets over what is built in."""

import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from auditspan.processors.retention_days import Kept, RetentionConfig, presets

DOC = Path(__file__).parents[2] / "docs" / "erasure-and-retention.md"


def effective(config: RetentionConfig) -> dict[str, tuple[int, str]]:
    """By class."""
    return {kept.name: (kept.days, kept.origin) for kept in config.effective()}


def test_what_is_built_in() -> None:
    """400 days, and 30 of what is no act of an agent."""
    built_in = {"default": (400, "built in"), "other": (30, "built in")}
    assert effective(RetentionConfig()) == built_in


def test_listed_classes_are_all_that_differ() -> None:
    """Without a preset a list of classes stands for itself, as it did before there were presets."""
    config = RetentionConfig(classes={"payments": 2_557})
    assert (config.days_of("payments"), config.days_of("other"), config.days_of("x")) == (
        2_557,
        400,
        400,
    )


@pytest.mark.parametrize(
    ("names", "days"),
    [
        (("soc2",), 400),
        (("pci_dss",), 400),
        (("hipaa",), 2_200),
        (("eu_ai_act",), 200),
        (("eu_ai_act", "soc2"), 400),
        (("soc2", "hipaa"), 2_200),
    ],
)
def test_the_longest_preset_counts(names: tuple[str, ...], days: int) -> None:
    """Of every class of acts; the rest is kept as briefly as without."""
    config = RetentionConfig(presets=names)
    assert (config.days_of("default"), config.days_of("payments")) == (days, days)
    assert config.days_of("other") == 30


def test_what_is_configured_goes_before_a_preset() -> None:
    """Classes first, then days; the preset's own classes stay."""
    config = RetentionConfig(presets=("soc2",), days=500, classes={"payments": 2_557})
    assert effective(config) == {
        "default": (500, "configured"),
        "other": (30, "preset soc2"),
        "payments": (2_557, "configured"),
    }


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ({"presets": ["hipaa"], "days": 400}, "'default': 400 days, and hipaa asks for 2192"),
        ({"presets": ["soc2"], "classes": {"chat": 30}}, r"'chat': 30 days.*below\.chat"),
        ({"presets": ["soc2"], "classes": {"default": 9}}, "'default': 9 days"),
        ({"presets": ["iso"]}, "expected some of soc2, pci_dss, hipaa, eu_ai_act, got 'iso'"),
        ({"presets": ["soc2"], "days": 9, "below": {"default": "  "}}, "at least 1 character"),
        ({"presets": ["soc2"], "days": 9, "below": {"chat": "short"}}, "'default': 9 days"),
        ({"days": 0}, "greater than or equal to 1"),
        ({"classes": {"x": 40_000}}, "less than or equal to 36500"),
        ({"days": None, "preset": "soc2"}, "Extra inputs"),
    ],
)
def test_less_than_a_preset_asks_is_refused(config: dict[str, object], says: str) -> None:
    """With the figure, the source and what to write."""
    with pytest.raises(ValidationError, match=says):
        RetentionConfig.model_validate(config)


def test_less_is_kept_for_a_reason() -> None:
    """Which is told again whenever the configuration is looked at."""
    config = RetentionConfig(
        presets=("soc2",), classes={"chat": 30}, below={"chat": "personal data, GDPR 5(1)(e)"}
    )
    [said] = config.shortfalls()
    assert said.startswith("chat: 30 days, and soc2 asks for 365 (")
    assert said.endswith("personal data, GDPR 5(1)(e)")
    assert RetentionConfig(presets=("soc2",)).shortfalls() == ()


def test_it_is_the_same_in_another_process() -> None:
    """The engine is told the whole configuration as JSON."""
    config = RetentionConfig(presets=("hipaa",), classes={"payments": 3_000})
    assert RetentionConfig.model_validate(config.model_dump(mode="json")) == config


def test_partitions_are_days_of_receipt() -> None:
    """A record is kept for whole days after the one on which it came."""
    assert Kept("default", 400, "built in").partitions == 401


@pytest.mark.parametrize("name", presets())
def test_figures_and_sources_stand_in_the_documentation(name: str) -> None:
    """Each preset is a row of its table."""
    preset = presets()[name]
    [row] = [line for line in DOC.read_text().splitlines() if line.startswith(f"| `{name}` ")]
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert cells[1:4] == [preset.title, f"{preset.days:,}", f"{preset.least:,}"]
    for part in re.findall(r"[\w./()]*\d[\w./()]*", preset.source):
        assert part in cells[4]
