"""What a record acted on and whom it concerns: `TargetType`, `TargetId`, `DataSubjectIds`.

A registered tool says where in the arguments they stand; the arguments are parsed once per tool
and distinct text. Everything else is told by standard attributes, by the rules of
`classification.yaml`. Data subjects are kept as HMAC-SHA-256 only.
"""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from pydantic import BaseModel, ConfigDict

from auditspan.processors.arguments import at, read, spelled
from auditspan.processors.attributes import Attributes
from auditspan.processors.batch import Batch
from auditspan.processors.catalogue import Calls
from auditspan.processors.data import data_file
from auditspan.processors.lists import empty
from auditspan.processors.rules import Rule, matches
from auditspan.processors.texts import constant, first_of, nonempty, storable, text, where
from auditspan.registry.models import Tool


class TargetRule(Rule):
    """An attribute that names a target."""

    type: str
    """Kind of thing."""
    path: str = ""
    """Attribute that holds its path; absent: none."""


class TargetsConfig(BaseModel):
    """Where targets are named."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    targets: tuple[TargetRule, ...]
    """First attribute that a record has."""

    @classmethod
    def standard(cls) -> "TargetsConfig":
        """The rules that ship."""
        return cls.model_validate({"targets": data_file("classification.yaml")["targets"]})


@dataclass(frozen=True, slots=True)
class Found:
    """Targets per record."""

    type: pa.Array
    id: pa.Array
    path: pa.Array
    subjects: pa.Array
    """List of HMACs."""


def targets(
    batch: Batch, attributes: Attributes, calls: Calls, subject_key: bytes, config: TargetsConfig
) -> Found:
    """The targets: catalogue first, then what the sender says, then standard attributes."""
    told = _from_arguments(batch, calls, subject_key)
    type = first_of([told.type, attributes.text("audit.target.type")])
    id = first_of([told.id, attributes.text("audit.target.id")])
    path = first_of([told.path, attributes.text("audit.target.path")])
    # A rule fills all three at once: never the type of one thing and the id of another.
    untold = ~(nonempty(type) | nonempty(id) | nonempty(path))
    for rule, mask in matches(batch, attributes, config.targets, untold):
        type = where(mask, constant(rule.type, len(batch)), type)
        id = where(mask, attributes.text(rule.has), id)
        path = where(mask, attributes.text(rule.path), path) if rule.path else path
    return Found(type, id, path, told.subjects)


def _from_arguments(batch: Batch, calls: Calls, subject_key: bytes) -> Found:
    """What registered tools say, once per tool and distinct arguments."""
    wanted = [tool is not None and _looks(tool) for tool in calls.tools]
    if not any(wanted):
        nothing = constant("", len(batch))
        return Found(
            calls.spread(_types(calls)),
            nothing,
            nothing,
            empty(pa.list_(pa.string()), len(batch)),
        )
    texts = text(batch, "ToolArguments").dictionary_encode()
    own = texts.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    # Tools that look at nothing share one row, whatever their arguments.
    asked = calls.mask(wanted)
    pairs, codes = np.unique(
        np.where(asked, calls.codes * len(texts.dictionary) + own, -1), return_inverse=True
    )
    values = texts.dictionary.to_pylist()
    rows = [
        _read(calls.tools[pair // len(values)], values[pair % len(values)], subject_key)
        if pair >= 0
        else ("", "", [])
        for pair in pairs.tolist()
    ]
    ids, paths, subjects = zip(*rows, strict=True)
    spread = pa.array(codes)
    return Found(
        calls.spread(_types(calls)),
        pa.array(ids, pa.string()).take(spread),
        pa.array(paths, pa.string()).take(spread),
        pa.array(subjects, pa.list_(pa.string())).take(spread),
    )


def _looks(tool: Tool) -> bool:
    return bool(tool.target.id or tool.target.path or tool.data_subjects)


def _types(calls: Calls) -> list[str]:
    return [tool.target.type if tool else "" for tool in calls.tools]


def _read(tool: Tool | None, arguments: str, key: bytes) -> tuple[str, str, list[str]]:
    if tool is None:
        return "", "", []
    value = read(arguments)
    subjects = [found for path in tool.data_subjects for found in at(value, path)]
    return (
        _one(at(value, tool.target.id)),
        _one(at(value, tool.target.path)),
        [subject_hash(key, subject) for subject in dict.fromkeys(subjects)],
    )


def _one(found: Sequence[str]) -> str:
    """One target as it is, several as a JSON list."""
    if len(found) == 1:
        return storable(found[0])
    return storable(spelled(list(found))) if found else ""


def subject_hash(key: bytes, subject: str) -> str:
    """What stands for a person in the trail: the same person, the same hash."""
    digest = hmac.digest(key, subject.encode("utf-8", "replace"), "sha256")
    return "hmac-sha256:" + digest.hex()
