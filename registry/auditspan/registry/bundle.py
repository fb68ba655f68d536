"""A bundle: the folder of YAML and Cedar as texts, its version, and what it says.

A bundle is the unit that is applied, stored and compared. Reading one reports everything that is
wrong with it at once, each with file, line and path.
"""

import hashlib
import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import Self

from pydantic import BaseModel, ValidationError

from auditspan.registry.documents import read
from auditspan.registry.entries import Content, Entry
from auditspan.registry.errors import BundleInvalid, Problem
from auditspan.registry.members import ControlsPolicy, Disabled, Member
from auditspan.registry.models import Agent, Example, Grant, Registry, Tool
from auditspan.registry.problems import from_validation, nearest
from auditspan.registry.references import check

MAX_FILES = 2_000
MAX_BYTES = 8 * 1024 * 1024
"""All texts together: they travel as one control record."""

KINDS: Mapping[str, type[BaseModel]] = {
    "agents": Agent,
    "tools": Tool,
    "grants": Grant,
    "examples": Example,
    "principals": Member,
}
"""What the entries of a folder are."""
ROOTS: Mapping[str, type[BaseModel]] = {"controls.yaml": ControlsPolicy, "disabled.yaml": Disabled}
"""Files beside the folders; each is one entry."""
_MODELS = {**KINDS, **ROOTS}
_SUFFIXES = {**dict.fromkeys(KINDS, (".yaml", ".yml")), "policies": (".cedar",)}


@dataclass(frozen=True, slots=True)
class Bundle:
    """The texts of a registry folder."""

    files: Mapping[str, str]
    """Text by relative path, with `/` between the parts."""

    @property
    def version(self) -> str:
        """`sha256:…` over paths and texts; equal texts are one version wherever they are."""
        return texts_hash(self.files)

    @property
    def policies(self) -> Mapping[str, str]:
        """The Cedar texts by relative path."""
        return {path: text for path, text in self.files.items() if path.endswith(".cedar")}

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read a folder. Raises BundleInvalid for what does not belong into one."""
        if not folder.is_dir():
            raise BundleInvalid((Problem(str(folder), 0, 0, "", "is not a folder"),))
        problems: list[Problem] = []
        files: dict[str, str] = {}
        for path in sorted(_visible(folder)):
            name = path.relative_to(folder).as_posix()
            message = _misplaced(name) or ("is a link; copy the file" if path.is_symlink() else "")
            if message:
                problems.append(Problem(name, 0, 0, "", message))
                continue
            try:
                files[name] = path.read_bytes()[: MAX_BYTES + 1].decode()
            except UnicodeDecodeError as error:
                problems.append(Problem(name, 0, 0, "", f"is not UTF-8 at byte {error.start}"))
        problems += _oversized(files)
        if problems:
            raise BundleInvalid(tuple(problems))
        return cls(MappingProxyType(files))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The bundle that `to_json` wrote. Raises BundleInvalid."""
        try:
            stored = json.loads(text)
            files = stored["files"]
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise BundleInvalid((Problem("", 0, 0, "", "is not a stored bundle"),)) from error
        if not isinstance(files, dict) or not all(isinstance(t, str) for t in files.values()):
            raise BundleInvalid((Problem("", 0, 0, "files", "expected paths with texts"),))
        bundle = cls(MappingProxyType(dict(sorted(files.items()))))
        if _unencodable(files) or stored.get("version", bundle.version) != bundle.version:
            message = "is not the hash of the texts: the stored bundle was changed"
            raise BundleInvalid((Problem("", 0, 0, "version", message),))
        return bundle

    def to_json(self) -> str:
        """The texts as one JSON object, keys sorted."""
        return json.dumps(
            {"files": dict(self.files), "version": self.version},
            sort_keys=True,
            separators=(",", ":"),
            ensure_ascii=False,
        )

    def registry(self) -> Registry:
        """What the texts say. Raises BundleInvalid with every problem."""
        problems = [
            Problem(name, 0, 0, "", message) for name in self.files if (message := _misplaced(name))
        ]
        problems += _unencodable(self.files) or _oversized(self.files)
        content = Content(unreadable={p.file.partition("/")[0] for p in problems})
        for name in sorted(set(self.files) - {problem.file for problem in problems}):
            if not name.endswith(".cedar"):
                _read_into(content, name, self.files[name])
        problems += content.problems + check(content)
        if problems:
            raise BundleInvalid(tuple(sorted(problems, key=lambda p: (p.file, p.line, p.column))))
        return _assembled(content.entries, self)


def texts_hash(texts: Mapping[str, str]) -> str:
    """`sha256:…` of texts by name: the canonical JSON of the mapping."""
    text = json.dumps(dict(texts), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def _visible(folder: Path) -> Iterator[Path]:
    """Files of the folder, without hidden ones and notes for people."""
    for path in folder.rglob("*"):
        parts = path.relative_to(folder).parts
        hidden = any(part.startswith(".") for part in parts) or path.suffix == ".md"
        if not hidden and (path.is_symlink() or path.is_file()):
            yield path


def _misplaced(name: str) -> str:
    """Why a file is no part of a registry, "" if it is."""
    path = PurePosixPath(name)
    if name in ROOTS:
        return ""
    if len(path.parts) < 2 or path.is_absolute() or ".." in path.parts:
        folders, files = ", ".join(sorted(_SUFFIXES)), " or ".join(ROOTS)
        return f"must stand in a folder, one of {folders}; beside them only {files}"
    folder = path.parts[0]
    if folder not in _SUFFIXES:
        return f"stands in the unknown folder {folder!r}" + nearest(folder, _SUFFIXES)
    if path.suffix not in _SUFFIXES[folder]:
        return f"ends with {path.suffix!r}, expected {' or '.join(_SUFFIXES[folder])}"
    return ""


def _unencodable(files: Mapping[str, str]) -> list[Problem]:
    """Texts with half of a surrogate pair: they have no bytes, so no hash and no place to go."""
    found = (name for name, text in files.items() if not _encodable(name + text))
    shown = (name.encode("ascii", "backslashreplace").decode() for name in found)
    return [Problem(name, 0, 0, "", "holds text that is no Unicode") for name in shown]


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _oversized(files: Mapping[str, str]) -> list[Problem]:
    size = sum(len(text.encode()) for text in files.values())
    found = ((len(files), MAX_FILES, "files"), (size, MAX_BYTES, "bytes"))
    return [
        Problem("", 0, 0, "", f"has {number} {unit}, at most {most} are allowed")
        for number, most, unit in found
        if number > most
    ]


def _read_into(content: Content, name: str, text: str) -> None:
    """Add what one YAML file holds: each document is one entry or a list of them, but a file
    beside the folders is one entry alone."""
    kind = name.partition("/")[0]
    documents, problems = read(name, text)
    content.problems += problems
    if problems:
        content.unreadable.add(kind)
    if name in ROOTS and len(documents) > 1:
        content.problems.append(documents[1].problem((), "is a second document; write one"))
        documents = documents[:1]
    for document in documents:
        value = document.value
        values = value if isinstance(value, list) and name not in ROOTS else [value]
        listed = values is value
        for index, value in enumerate(values):
            base = (index,) if listed else ()
            content.declare(kind, value)
            try:
                model = _MODELS[kind].model_validate(value)
            except ValidationError as error:
                content.problems += from_validation(error, _MODELS[kind], document, base)
            else:
                content.entries.append(Entry(kind, model, document, base))


def _assembled(entries: Iterable[Entry], bundle: Bundle) -> Registry:
    models = [entry.model for entry in entries]
    policies = bundle.policies
    off = {name for m in models if isinstance(m, Disabled) for name in m.agents}
    agents = sorted((m for m in models if isinstance(m, Agent)), key=lambda agent: agent.id)
    tools = sorted((m for m in models if isinstance(m, Tool)), key=lambda tool: tool.name)
    grants = sorted((m for m in models if isinstance(m, Grant)), key=lambda grant: grant.id)
    members = sorted((m for m in models if isinstance(m, Member)), key=lambda member: member.id)
    return Registry(
        agents=MappingProxyType({agent.id: _overlaid(agent, off) for agent in agents}),
        tools=MappingProxyType({tool.name: tool for tool in tools}),
        grants=tuple(grants),
        policies=MappingProxyType(dict(sorted(policies.items()))),
        examples=tuple(m for m in models if isinstance(m, Example)),
        version=bundle.version,
        policy_version=texts_hash(policies) if policies else "",
        principals=MappingProxyType({member.id: member for member in members}),
        controls=next((m for m in models if isinstance(m, ControlsPolicy)), ControlsPolicy()),
    )


def _overlaid(agent: Agent, off: Collection[str]) -> Agent:
    return agent.model_copy(update={"disabled": True}) if agent.id in off else agent
