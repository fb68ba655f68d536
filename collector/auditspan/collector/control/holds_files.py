"""Holds on disk: a file each, which the engine reads to know what it must not let go.

`registry/holds/<id>.json` says what is kept, since when, and until when if it was released. It is
written after the record that says so is in the spool.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    JsonValue,
    StringConstraints,
    ValidationError,
    model_validator,
)

from auditspan.collector.control.errors import ControlInvalid, NotFound
from auditspan.collector.control.filter_times import FIRST, LAST, expect_times, nanoseconds
from auditspan.collector.control.records import Said
from auditspan.identity.files import write_atomic

COLUMNS: Mapping[str, str] = {
    "record": "RecordId",
    "trace": "TraceId",
    "conversation": "ConversationId",
    "agent": "AgentId",
    "principal": "PrincipalId",
    "user": "UserId",
    "organization": "OrganizationId",
    "session": "SessionId",
    "tool": "ToolName",
    "target": "TargetId",
    "service": "ServiceName",
    "operation": "Operation",
    "class": "RetentionClass",
}
"""Column by word of a filter; all of a filter have to fit."""
_TIMES = ("since", "until")


class HoldFilter(BaseModel):
    """Which records: all that is said has to fit."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    equal: Mapping[str, Said] = {}
    """Value by word of `COLUMNS`."""
    since: str = ""
    """Time of the act, RFC 3339, inclusive."""
    until: str = ""
    """Exclusive."""

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        unknown = sorted(set(self.equal) - set(COLUMNS))
        if unknown or not (self.equal or self.since or self.until):
            raise ValueError(
                f"filter: expected some of {', '.join((*COLUMNS, *_TIMES))}, got {unknown}"
            )
        for name in _TIMES:
            nanoseconds(getattr(self, name))
        return self

    @classmethod
    def parse(cls, text: str) -> Self:
        """From `word=value,word=value`. Raises ControlInvalid."""
        pairs = [part.partition("=") for part in text.split(",") if part.strip()]
        said = {word.strip(): value.strip() for word, _, value in pairs}
        # Half a filter would mean far more records than somebody had in mind.
        if len(said) < len(pairs) or not all(said.values()):
            raise ControlInvalid(
                f"filter {text[:200]!r}: expected word=value, each word once and none without a "
                "value"
            )
        times = {name: said.pop(name) for name in _TIMES if name in said}
        try:
            return cls.model_validate({"equal": said, **times})
        except ValidationError as error:
            raise ControlInvalid(str(error.errors(include_url=False)[0]["msg"])) from error

    def expect_possible(self) -> None:
        """Raise ControlInvalid if no act can fit, or others than it says: of what is asked anew."""
        expect_times(self.since, self.until)

    def holds(self, row: Mapping[str, JsonValue]) -> bool:
        """Whether a record, as JSON by column, is one of these."""
        if any(row.get(COLUMNS[word]) != value for word, value in self.equal.items()):
            return False
        at = str(row["Timestamp"])
        moment = nanoseconds(at.replace(" ", "T") + ("" if at.endswith("Z") else "Z"))
        first, last = self._moments()
        return moment is not None and first <= moment <= last

    def condition(self) -> tuple[str, dict[str, str | int]]:
        """SQL over a record, and its parameters."""
        parts = [f"{COLUMNS[word]} = {{{word}_:String}}" for word in self.equal]
        params: dict[str, str | int] = {f"{word}_": value for word, value in self.equal.items()}
        for name, sign in (("first", ">="), ("last", "<=")):
            parts.append(f"toUnixTimestamp64Nano(Timestamp) {sign} {{{name}_:Int64}}")
        params["first_"], params["last_"] = self._moments()
        return " AND ".join(parts), params

    def lists(self, prefix: str = "") -> dict[str, int | list[str]]:
        """The parameters of `condition_of_lists`."""
        first, last = self._moments()
        return {
            f"{prefix}words": list(self.equal),
            f"{prefix}values": list(self.equal.values()),
            f"{prefix}first": first,
            f"{prefix}last": last,
        }

    def _moments(self) -> tuple[int, int]:
        """The first and the last nanosecond of an act that fits, as far as a column can hold them.

        Both inclusive: an act whose clock is beyond the last one has the last one in the store.
        """
        since, until = nanoseconds(self.since), nanoseconds(self.until)
        first = FIRST if since is None else since
        last = LAST if until is None else until - 1
        return max(FIRST, min(first, LAST)), max(FIRST, min(last, LAST))

    def words(self) -> str:
        """As `parse` takes it."""
        said = {**self.equal, **{n: getattr(self, n) for n in _TIMES if getattr(self, n)}}
        return ",".join(f"{word}={value}" for word, value in said.items())

    def digest(self, salt: str) -> str:
        """What the log says of a filter: without the salt nobody can try who it is about."""
        text = json.dumps([salt, self.model_dump(mode="json")], sort_keys=True)
        return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def condition_of_lists(prefix: str = "") -> str:
    """SQL over a record that is the same for every filter, with the parameters of `lists`."""
    words, values = f"{{{prefix}words:Array(String)}}", f"{{{prefix}values:Array(String)}}"
    parts = [
        f"(NOT has({words}, '{word}') OR {column} = {values}[indexOf({words}, '{word}')])"
        for word, column in COLUMNS.items()
    ]
    parts.append(f"toUnixTimestamp64Nano(Timestamp) >= {{{prefix}first:Int64}}")
    parts.append(f"toUnixTimestamp64Nano(Timestamp) <= {{{prefix}last:Int64}}")
    return "(" + " AND ".join(parts) + ")"


class Hold(BaseModel):
    """One hold."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    id: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
    filter: HoldFilter
    salt: str
    """Of the filter's digest in the log."""
    placed_at: str
    placed_by: str
    reason: Said = ""
    ticket: Said = ""
    released_at: str = ""
    """Empty while it is in force."""
    released_by: str = ""

    @property
    def is_open(self) -> bool:
        """Whether it is in force."""
        return not self.released_at


class HoldFiles:
    """The holds of a data folder."""

    def __init__(self, registry: Path) -> None:
        self.folder = registry / "holds"

    def all(self) -> list[Hold]:
        """Every hold, oldest first. Raises ControlInvalid for a file that is none."""
        found = [self._read(path) for path in self.folder.glob("*.json")]
        return sorted(found, key=lambda hold: (hold.placed_at, hold.id))

    def find(self, start: str) -> Hold:
        """The hold whose id begins so. Raises NotFound."""
        found = [hold for hold in self.all() if start and hold.id.startswith(start.lower())]
        if len(found) != 1:
            what = "several holds begin" if found else "no hold begins"
            raise NotFound(f"{what} with {start[:40]!r}; see `auditspan hold list`")
        return found[0]

    def store(self, hold: Hold) -> None:
        """Keep it. The caller has its record in the spool."""
        self.folder.mkdir(mode=0o700, exist_ok=True)
        write_atomic(self.folder / f"{hold.id}.json", hold.model_dump_json().encode())

    def _read(self, path: Path) -> Hold:
        try:
            return Hold.model_validate_json(path.read_bytes())
        except ValidationError as error:
            raise ControlInvalid(f"{path}: expected a hold: {error}") from error
