"""YAML text to plain values that know the line of every key, strictly and within limits.

A safe subset of YAML 1.2's core schema (https://yaml.org/spec/1.2.2/#103-core-schema): no tags, no
duplicate keys, text keys only, `yes` and `12:30` stay text, and aliases may not blow up. Every
problem is reported, none is raised.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import yaml
from pydantic import JsonValue

from auditspan.registry.errors import Problem

MAX_NODES = 200_000
"""Values in one file, after aliases are expanded."""
MAX_DEPTH = 64
"""How deep values may nest."""

Path = tuple[str | int, ...]
Place = tuple[int, int]

_Loader: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_INT = re.compile(r"[-+]?[0-9]{1,300}")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]{1,3})?")
_WORDS: dict[str, JsonValue] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}


@dataclass(frozen=True, slots=True)
class Document:
    """One YAML document."""

    file: str
    """Path inside the bundle."""
    value: JsonValue
    """What it says."""
    places: dict[Path, Place]
    """Line and column of each key, or of each item of a list."""

    def problem(self, path: Path, message: str) -> Problem:
        """A problem at a path, placed at its nearest ancestor that is written down."""
        line, column = next(
            (self.places[path[:n]] for n in range(len(path), -1, -1) if path[:n] in self.places),
            (0, 0),
        )
        return Problem(self.file, line, column, dotted(path), message)


@dataclass(slots=True)
class _Reading:
    """The state of one file's conversion."""

    file: str
    problems: list[Problem]
    nodes: int = 0
    places: dict[Path, Place] = field(default_factory=dict)


class _Refused(Exception):
    """Stops the conversion of one file."""


def read(file: str, text: str) -> tuple[list[Document], list[Problem]]:
    """The documents of one file, and everything that is wrong with it as YAML."""
    problems: list[Problem] = []
    documents: list[Document] = []
    try:
        _shallow(file, text, problems)
        for node in yaml.compose_all(text, _Loader):
            reading = _Reading(file, problems)
            value = _value(node, (), reading)
            if value is not None:
                documents.append(Document(file, value, reading.places))
    except yaml.YAMLError as error:
        problems.append(_syntax(file, error))
    except _Refused:
        pass
    return documents, problems


def dotted(path: Path) -> str:
    """A path as people write it: `approvals[0].at`."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return text.removeprefix(".")


def _shallow(file: str, text: str, problems: list[Problem]) -> None:
    """Refuse depth and tags on the stream of events, before anything recurses into it."""
    depth = 0
    for event in yaml.parse(text, _Loader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        message = ""
        if depth > MAX_DEPTH:
            message = f"nested deeper than {MAX_DEPTH}"
        elif isinstance(event, yaml.ScalarEvent | yaml.CollectionStartEvent) and event.tag:
            message = f"the tag {event.tag} is not allowed; write the value without it"
        if message:
            line, column = _place(event)
            problems.append(Problem(file, line, column, "", message))
            raise _Refused


def _value(node: yaml.Node | None, path: Path, reading: _Reading) -> JsonValue:
    if node is None:
        return None
    reading.nodes += 1
    reading.places.setdefault(path, _place(node))
    if reading.nodes > MAX_NODES or len(path) > MAX_DEPTH:
        message = f"more than {MAX_NODES} values or {MAX_DEPTH} levels; aliases count each time"
        reading.problems.append(Problem(reading.file, *_place(node), dotted(path), message))
        raise _Refused
    if isinstance(node, yaml.MappingNode):
        return dict(_pairs(node, path, reading))
    if isinstance(node, yaml.SequenceNode):
        return [_value(item, (*path, i), reading) for i, item in enumerate(node.value)]
    return _scalar(node)


def _pairs(
    node: yaml.MappingNode, path: Path, reading: _Reading
) -> Iterator[tuple[str, JsonValue]]:
    seen: dict[str, int] = {}
    for key_node, value_node in node.value:
        place = _place(key_node)
        key = _scalar(key_node) if isinstance(key_node, yaml.ScalarNode) else None
        message = ""
        if not isinstance(key, str):
            message = "a key must be text; put it in quotes"
        elif key in seen:
            message = f"the key {key!r} is written twice, first on line {seen[key]}; keep one"
        if message or not isinstance(key, str):
            reading.problems.append(Problem(reading.file, *place, dotted(path), message))
            continue
        seen[key] = place[0]
        reading.places[(*path, key)] = place
        yield key, _value(value_node, (*path, key), reading)


def _scalar(node: yaml.Node) -> JsonValue:
    text = str(node.value)
    if not isinstance(node, yaml.ScalarNode) or node.style:  # "" or None is plain
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _INT.fullmatch(text):
        return int(text)
    return float(text) if _FLOAT.fullmatch(text) else text


def _place(item: yaml.Node | yaml.Event) -> Place:
    mark = item.start_mark
    return (mark.line + 1, mark.column + 1) if mark else (0, 0)


def _syntax(file: str, error: yaml.YAMLError) -> Problem:
    if isinstance(error, yaml.MarkedYAMLError):
        mark = error.problem_mark or error.context_mark
        place = (mark.line + 1, mark.column + 1) if mark else (0, 0)
        words = ", ".join(part for part in (error.context, error.problem) if part)
        return Problem(file, *place, "", f"is not YAML: {words}")
    return Problem(file, 0, 0, "", f"is not YAML: {' '.join(str(error).split())}")
