"""What counts as a secret, read from `secrets.yaml`."""

import re
from functools import cached_property

from pydantic import BaseModel, ConfigDict, Field

from auditspan.processors.data import data_file

_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_SEPARATOR = re.compile(r"[\s.\-_/:]+")
# ASCII spelled as an escape: no JSON writer does that to letters, somebody who hides a name may.
_HIDDEN = r"\\u00[2-7]"


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Keys(_Model):
    """Names whose value is a credential, in snake case."""

    exact: frozenset[str]
    """The whole name, or its last part after a dot."""
    endings: tuple[str, ...]
    """How such a name may end."""
    exceptions: frozenset[str] = Field(alias="except")
    """Names that only look like one; with `_` in front how such a name may end."""

    @cached_property
    def harmless(self) -> tuple[str, ...]:
        """Endings among the exceptions."""
        return tuple(name for name in self.exceptions if name.startswith("_"))


class Named(_Model):
    """Credentials inside a text."""

    words: str
    """Alternatives of a pattern: the ends of names that are followed by a value."""


class Shape(_Model):
    """A value that gives itself away."""

    name: str
    """Stands in the text instead of the value."""
    hint: str
    """A cheap pattern that every match contains."""
    pattern: str
    """The value."""
    replace: str = ""
    """What stands in its place; absent is `[redacted:<name>]`."""

    @property
    def replacement(self) -> str:
        """What stands in the value's place."""
        return self.replace or f"[redacted:{self.name}]"


class Secrets(_Model):
    """Names and shapes of secrets."""

    keys: Keys
    """Names whose value is a credential."""
    named: Named
    """The same inside a text."""
    shapes: tuple[Shape, ...]
    """Values that give themselves away."""

    @classmethod
    def standard(cls) -> "Secrets":
        """Those that ship."""
        return cls.model_validate(data_file("secrets.yaml"))

    def credential(self, name: str) -> bool:
        """Whether the value of this name is a credential."""
        whole = _SEPARATOR.sub("_", _HUMP.sub("_", name)).strip("_").lower()
        last = _SEPARATOR.sub("_", _HUMP.sub("_", name.rpartition(".")[2])).strip("_").lower()
        if {whole, last} & self.keys.exceptions or last.endswith(self.keys.harmless):
            return False
        return bool({whole, last} & self.keys.exact) or last.endswith(self.keys.endings)

    @cached_property
    def hint(self) -> str:
        """One pattern that finds every text worth a closer look."""
        return "|".join([_HIDDEN, self.assignment, *(shape.hint for shape in self.shapes)])

    @cached_property
    def assignment(self) -> str:
        """A credential's name with the sign that a value follows."""
        words = "|".join(sorted(name.replace("_", "[_.-]?") for name in self.keys.exact))
        return rf"(?i:(?:{words})\\*[\"']?\s*[:=])"

    @cached_property
    def assigned(self) -> str:
        """The same with its value, for texts that are no JSON; group 1 is what stays."""
        value = r"(?:\"(?:[^\"\\]|\\.)*\"|'[^']*'|[^\s\"',;&<>{}\[\]\\]+)"
        return rf"(?i)((?:{self.named.words})\\*[\"']?\s*[:=]\s*\\*)(?:(?:bearer|basic) +)?{value}"
