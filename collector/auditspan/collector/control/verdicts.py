"""The words of a review and of a recertification, read from `verdicts.yaml`."""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, TypeAdapter

from auditspan.collector.control.errors import ControlInvalid

Topic = Literal["review", "recertification"]


class Verdict(BaseModel):
    """One word and what it means."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    closes: bool
    """Whether nobody else has to say anything."""
    means: str
    """In one sentence, for people."""


_FILE = TypeAdapter(dict[Topic, dict[str, Verdict]])


@cache
def verdicts() -> Mapping[Topic, Mapping[str, Verdict]]:
    """All of them."""
    text = (files("auditspan.collector.control") / "verdicts.yaml").read_text("utf-8")
    return _FILE.validate_python(yaml.safe_load(text))


def verdict(topic: Topic, word: str) -> Verdict:
    """What a word means. Raises ControlInvalid."""
    known = verdicts()[topic]
    if word not in known:
        raise ControlInvalid(f"verdict: is {word!r}, expected one of {', '.join(known)}")
    return known[word]
