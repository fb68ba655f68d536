"""Proposals as files: what was asked for, word for word, and what was decided about it.

registry/proposals/
├── <hash>.json            the canonical JSON (RFC 8785) of a proposal; its SHA-256 is its name
└── <hash>.decision.json   who approved, rejected or withdrew it

Files are written whole or not at all and never changed. A file that is not what its name says is
refused: whoever approves a hash approves exactly these bytes.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final, Literal, TypeVar

import rfc8785
from pydantic import BaseModel, ConfigDict, JsonValue, StringConstraints, ValidationError

from auditspan.collector.control.errors import ControlInvalid, NotFound
from auditspan.collector.control.records import Party, Said, Why
from auditspan.identity.files import write_atomic

SHORTEST: Final = 8
"""Hex digits that are enough to name a proposal, if no other one begins with them."""

_PREFIX: Final = "sha256:"
_HEX: Final = re.compile(r"[0-9a-f]{8,64}")
_NAME: Final = re.compile(r"([0-9a-f]{64})\.json")
_MODEL: Final = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)
Outcome = Literal["approved", "rejected", "withdrawn"]
_M = TypeVar("_M", bound=BaseModel)


class Proposal(BaseModel):
    """A change that somebody asks for."""

    model_config = _MODEL

    format: Literal[1] = 1
    """Version of this form."""
    kind: Annotated[str, StringConstraints(pattern=r"^[a-z]+(\.[a-z_]+)*$")]
    """What it would change: the kind of one of the handlers in `service.py`."""
    body: Mapping[str, JsonValue]
    """What shall be; its keys depend on the kind."""
    base: str = ""
    """Version that was in force when it was asked for."""
    requester: Party
    """Who asks, verified."""
    why: Why
    """Why, in their words."""
    at: str
    """When, RFC 3339 to the microsecond."""

    def canonical(self) -> bytes:
        """The bytes whose SHA-256 is its hash. Raises ControlInvalid for what JSON cannot hold."""
        try:
            return rfc8785.dumps(self.model_dump(mode="json"))
        except (rfc8785.CanonicalizationError, UnicodeError) as error:
            raise ControlInvalid(f"proposal: has no canonical JSON: {error}") from error

    @property
    def hash(self) -> str:
        """`sha256:…`, by which it is approved."""
        return _PREFIX + hashlib.sha256(self.canonical()).hexdigest()


class Decision(BaseModel):
    """What became of a proposal."""

    model_config = _MODEL

    outcome: Outcome
    """What was decided."""
    by: Party
    """Who decided."""
    at: str
    """When, RFC 3339."""
    reason: Said = ""
    """Why, in their words."""


@dataclass(frozen=True, slots=True)
class Filed:
    """A proposal with its decision."""

    hash: str
    """Its name."""
    proposal: Proposal
    decision: Decision | None
    """None while nobody has decided."""


@dataclass(frozen=True, slots=True)
class Proposals:
    """The folder of proposals."""

    folder: Path
    """`<data>/registry/proposals`."""

    def hashes(self) -> list[str]:
        """The hash of every proposal, also of damaged ones."""
        names = (_NAME.fullmatch(path.name) for path in sorted(self.folder.glob("*.json")))
        return [_PREFIX + name[1] for name in names if name]

    def all(self, *, decided: bool = True) -> Iterator[Filed]:
        """Every sound proposal, or without the decided ones, which are many in time."""
        for name in self.hashes():
            if not decided and self._decision_path(name).exists():
                continue
            try:
                yield self.read(name)
            except ControlInvalid:
                continue

    def find(self, start: str) -> Filed:
        """The proposal whose hash begins so. Raises ControlInvalid or NotFound."""
        wanted = start.strip().lower().removeprefix(_PREFIX)
        if not _HEX.fullmatch(wanted):
            raise ControlInvalid(
                f"hash: is {start!r}, expected {SHORTEST} to 64 hex digits; see `auditspan changes`"
            )
        found = [name for name in self.hashes() if name.removeprefix(_PREFIX).startswith(wanted)]
        if len(found) != 1:
            what = "several proposals begin" if found else "no proposal begins"
            raise NotFound(f"{what} with {start!r}; see `auditspan changes --all`")
        return self.read(found[0])

    def read(self, name: str) -> Filed:
        """A proposal by its full hash. Raises ControlInvalid if its file was changed."""
        path = self._path(name)
        data = path.read_bytes()
        if _PREFIX + hashlib.sha256(data).hexdigest() != name:
            raise ControlInvalid(
                f"{path}: its text is not what its name says: it was changed after it was "
                "proposed; propose the change anew"
            )
        return Filed(name, _parsed(Proposal, data, path), self._decision(name))

    def store(self, proposal: Proposal) -> Filed:
        """Keep a proposal. The caller has its record in the spool."""
        self.folder.mkdir(mode=0o700, exist_ok=True)
        write_atomic(self._path(proposal.hash), proposal.canonical())
        return Filed(proposal.hash, proposal, None)

    def decide(self, name: str, decision: Decision) -> None:
        """Keep what was decided. The caller has its record in the spool."""
        write_atomic(self._decision_path(name), decision.model_dump_json().encode())

    def _decision(self, name: str) -> Decision | None:
        path = self._decision_path(name)
        try:
            return _parsed(Decision, path.read_bytes(), path)
        except FileNotFoundError:
            return None

    def _path(self, name: str) -> Path:
        return self.folder / f"{name.removeprefix(_PREFIX)}.json"

    def _decision_path(self, name: str) -> Path:
        return self.folder / f"{name.removeprefix(_PREFIX)}.decision.json"


def _parsed(model: type[_M], data: bytes, path: Path) -> _M:
    try:
        return model.model_validate(json.loads(data))
    except (ValidationError, ValueError, RecursionError) as error:
        raise ControlInvalid(f"{path}: expected a {model.__name__.lower()}: {error}") from error
