"""What the registry refuses, and where it stood.

RegistryError
├── BundleInvalid      the folder says something wrong; carries every problem found
└── SchemaImportError  a `tools/list` result or JSON schema cannot be read as tools
"""

from dataclasses import dataclass
from typing import ClassVar


class RegistryError(Exception):
    """Root of this folder's errors."""

    retryable: ClassVar[bool] = False


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong in a bundle."""

    file: str
    """Path inside the bundle; "" if it concerns the whole."""
    line: int
    """1-based line; 0 if unknown."""
    column: int
    """1-based column; 0 if unknown."""
    path: str
    """Where in the document, for example `expires_at` or `tools[2]`."""
    message: str
    """What is wrong and what to do."""

    def __str__(self) -> str:
        place = [self.file or "bundle"]
        if self.line:
            place += [str(self.line), str(self.column)]
        return ":".join(place) + ": " + (f"{self.path}: " if self.path else "") + self.message


class BundleInvalid(RegistryError):
    """The bundle cannot be applied; `problems` has everything that was found, in file order."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        self.problems = problems
        super().__init__("\n".join(map(str, problems)))


class SchemaImportError(RegistryError):
    """The file given to the tool import is not what it should be."""
